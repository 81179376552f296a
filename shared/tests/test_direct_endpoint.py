"""Endpoints run without FastAPI: the answers are those of FastAPI."""

from collections.abc import Mapping
from typing import Annotated, Literal
from uuid import UUID

import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Query, Request, Security
from fastapi.requests import HTTPConnection
from fastapi.responses import PlainTextResponse
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, SecurityScopes
from pydantic import BaseModel
from starlette.types import Message, Receive, Scope, Send

from shared.kit.http.app import Api
from shared.testing.asgi_client import AsgiClient

ID = "6f8d3f8e-0b4b-4f6e-9d57-0a4f7f3c2a11"
KEY = {"X-Key": "reads"}
NOTE = b'{"title": "milk", "count": 2, "other": 1}'
JSON = {**KEY, "Content-Type": "application/json"}


class Note(BaseModel):
    title: str
    count: int = 1


class Kept(Note):
    id: UUID
    by: str


class Holder(APIKeyHeader):
    async def __call__(self, request: HTTPConnection, scopes: SecurityScopes) -> str:  # type: ignore[override]
        key = await super().__call__(request) or ""
        if not set(scopes.scopes) <= {key}:
            raise HTTPException(403, f"{key} is not {scopes.scope_str}")
        return key


holder = Holder(name="X-Key")


def notes() -> APIRouter:
    routes = APIRouter(prefix="/notes", dependencies=[Security(holder, scopes=["reads"])])

    @routes.post("/{note}", status_code=201)
    async def keep(note: UUID, new: Note, by: Annotated[str, Security(holder)]) -> Kept:
        return Kept(id=note, by=by, **dict(new))

    @routes.get("")
    async def found(
        text: Annotated[str, Query(max_length=5)],
        order: Annotated[list[Literal["up", "down"]], Query()] = [],  # noqa: B006 - FastAPI copies it
    ) -> list[str]:
        return [text, *order]

    @routes.get("/seen", response_model=Note, response_model_exclude_unset=True)
    async def seen() -> Mapping[str, object]:
        return {"title": "milk", "secret": "not of the model"}

    @routes.get("/broken")
    async def broken() -> Note:
        return "no note"  # type: ignore[return-value]

    @routes.get("/plain", response_model=Note)
    async def plain() -> PlainTextResponse:
        return PlainTextResponse("as it is", 299)

    @routes.post("/raw/{note}")
    async def raw(note: str, new: Note, request: Request) -> list[str]:
        return [note, new.title, (await request.body()).decode(), request.headers["x-key"]]

    unusual(routes)
    return routes


def unusual(routes: APIRouter) -> None:
    @routes.get("/missing")
    async def missing() -> Note:
        raise HTTPException(404, "none")

    @routes.delete("/{note}", status_code=204)
    async def remove(note: UUID) -> None:
        return None

    @routes.get("/headed")
    async def headed(x_key: Annotated[str, Header()]) -> str:
        return x_key

    async def counted(text: str) -> int:
        return len(text)

    @routes.get("/depending")
    async def depending(count: Annotated[int, Depends(counted)]) -> int:
        return count


REQUESTS: list[tuple[str, str, Mapping[str, str], bytes | None]] = [
    ("POST", f"/notes/{ID}", JSON, NOTE),
    ("POST", f"/notes/{ID}", {**JSON, "Content-Type": "application/json; charset=utf-8"}, NOTE),
    ("POST", f"/notes/{ID}", {**JSON, "Content-Type": "text/plain"}, NOTE),
    ("POST", f"/notes/{ID}", KEY, NOTE),
    ("POST", f"/notes/{ID}", JSON, b""),
    ("POST", f"/notes/{ID}", JSON, None),
    ("POST", f"/notes/{ID}", JSON, b'{"title": '),
    ("POST", f"/notes/{ID}", JSON, b'{"title": "\xff"}'),
    ("POST", f"/notes/{ID}", JSON, b'{"title": 3, "count": "many"}'),
    ("POST", f"/notes/{ID}", JSON, b"[1]"),
    ("POST", f"/notes/{ID}", JSON, b"[" * 100_000),
    ("POST", f"/notes/{ID}", JSON, b"null"),
    ("POST", "/notes/seven", JSON, NOTE),
    ("POST", f"/notes/{ID}", {"Content-Type": "application/json"}, NOTE),
    ("POST", f"/notes/{ID}", {**JSON, "X-Key": "writes"}, NOTE),
    ("POST", f"/notes/{ID}", {**JSON, "X-Key": "writes"}, b"no JSON"),
    ("GET", "/notes?text=milk&order=up&order=down", KEY, None),
    ("GET", "/notes?text=too-long&order=left", KEY, None),
    ("GET", "/notes", KEY, None),
    ("GET", "/notes/seen", KEY, None),
    ("GET", "/notes/plain", KEY, None),
    ("POST", "/notes/raw/a", JSON, NOTE),
    ("GET", "/notes/missing", KEY, None),
    ("DELETE", f"/notes/{ID}", KEY, None),
    ("GET", "/notes/headed", KEY, None),
    ("GET", "/notes/depending?text=milk", KEY, None),
]


@pytest.fixture
def ours() -> FastAPI:
    api = Api("notes", "1.0.0")
    api.include_router(notes())
    return api


@pytest.mark.parametrize("method, path, headers, content", REQUESTS)
async def test_an_answer_is_that_of_fastapi(
    ours: FastAPI, method: str, path: str, headers: Mapping[str, str], content: bytes | None
) -> None:
    fastapi = FastAPI()
    fastapi.include_router(notes())
    path, _, query = path.partition("?")

    async def answer(app: FastAPI) -> tuple[int, Mapping[str, str], bytes]:
        sent = AsgiClient(_with_query(app, query.encode()))  # type: ignore[arg-type]
        reply = await sent.request(method, path, headers=headers, content=content)
        return reply.status, reply.headers, reply.body

    assert await answer(ours) == await answer(fastapi)


async def test_an_answer_of_another_shape_is_a_crash(ours: FastAPI) -> None:
    with pytest.raises(Exception, match="response"):
        await AsgiClient(ours).get("/notes/broken", headers=KEY)


async def test_a_plain_endpoint_runs_without_fastapi(ours: FastAPI) -> None:
    async def refused(*_: object) -> None:
        raise AssertionError("FastAPI was asked")

    for route in ours.routes:
        if isinstance(route, APIRoute):
            route.app = refused
    client = AsgiClient(ours)

    assert (await client.post(f"/notes/{ID}", content=NOTE, headers=JSON)).status == 201
    assert (await client.get("/notes", params={"text": "milk"}, headers=KEY)).status == 200
    with pytest.raises(AssertionError, match="FastAPI was asked"):
        await client.get("/notes/headed", headers=KEY)


async def test_a_client_that_leaves_within_its_body_is_answered_as_by_fastapi(
    ours: FastAPI,
) -> None:
    fastapi = FastAPI()
    fastapi.include_router(notes())

    async def status(app: FastAPI) -> int:
        messages: list[Message] = [
            {"type": "http.request", "body": NOTE[:9], "more_body": True},
            {"type": "http.disconnect"},
        ]
        sent: list[Message] = []

        async def receive() -> Message:
            return messages.pop(0)

        async def send(message: Message) -> None:
            sent.append(message)

        headers = [(name.lower().encode(), value.encode()) for name, value in JSON.items()]
        scope: Scope = {
            "type": "http",
            "method": "POST",
            "path": f"/notes/{ID}",
            "query_string": b"",
            "headers": [*headers, (b"content-length", b"40")],
        }
        await app(scope, receive, send)
        return int(sent[0]["status"])

    assert await status(ours) == await status(fastapi) == 400


def _with_query(app: FastAPI, query: bytes) -> object:
    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "query_string": query}, receive, send)

    return asked
