"""The control of the two-hop read: one process that verifies the token and reads the row itself."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import asyncpg
import jwt
from fastapi import FastAPI, Header, Request

from shared.models.profile import Profile

QUERY = "SELECT * FROM profiles WHERE user_id = $1"


@asynccontextmanager
async def _opened(api: FastAPI) -> AsyncIterator[None]:
    keys = jwt.PyJWKSet.from_json(os.environ["BENCH_JWKS"])
    api.state.keys = {key.key_id: key for key in keys.keys}
    async with asyncpg.create_pool(os.environ["BENCH_DATABASE"], max_size=10) as pool:
        api.state.pool = pool
        yield


def app() -> FastAPI:
    """`GET /api/profile` as back-api answers it; RS256 is verified each time."""
    api = FastAPI(lifespan=_opened)

    @api.get("/api/profile")
    async def profile(request: Request, authorization: Annotated[str, Header()]) -> Profile:
        token = authorization.removeprefix("Bearer ")
        key = request.app.state.keys[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(token, key, algorithms=["RS256"], options={"verify_aud": False})
        row = await request.app.state.pool.fetchrow(QUERY, claims["sub"])
        return Profile.model_validate(dict(row))

    return api
