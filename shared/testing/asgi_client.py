"""Calls an app under test in memory, without a server and without a network."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partialmethod

from fastapi import FastAPI
from pydantic import BaseModel, JsonValue

from shared.kit.http.transport import Reply, Request, Transport
from shared.testing.asgi_transport import AsgiTransport


class AsgiReply:
    """An answer of an app under test."""

    def __init__(self, reply: Reply) -> None:
        self.status = reply.status
        self.headers = reply.headers
        self.body = reply.body

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> dict[str, JsonValue]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


class AsgiClient:
    """Plain HTTP into an app in memory."""

    def __init__(self, app: FastAPI) -> None:
        self._transport = AsgiTransport(app)

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: BaseModel | Mapping[str, object] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> AsgiReply:
        body, sent = content, dict(headers or {})
        if json is not None:
            body = _encoded(json)
            sent.setdefault("Content-Type", "application/json")
        if body is not None:
            sent.setdefault("Content-Length", str(len(body)))
        request = Request(method, path, dict(params or {}), sent, body)
        return AsgiReply(await self._transport.send(request, timeout=30))

    get = partialmethod(request, "GET")
    post = partialmethod(request, "POST")
    put = partialmethod(request, "PUT")
    patch = partialmethod(request, "PATCH")
    delete = partialmethod(request, "DELETE")


def _encoded(body: BaseModel | Mapping[str, object]) -> bytes:
    return (body.model_dump_json() if isinstance(body, BaseModel) else json.dumps(body)).encode()


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[AsgiClient]:
    """A client of `app` while its lifespan is on."""
    async with app.router.lifespan_context(app):
        yield AsgiClient(app)


def in_memory(apps: Mapping[str, FastAPI]) -> Callable[[str], Transport]:
    """A `connect` for `Service` that reaches `apps` by service name, without a network."""
    return lambda name: AsgiTransport(apps[name])
