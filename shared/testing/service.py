"""Aids for a service's own tests: identities in a temporary folder, and apps run in memory."""

import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from pydantic import BaseModel, JsonValue

from shared.kit.auth.service_identity import ASSERTION_HEADER, Asserter
from shared.kit.http.client import ServiceClient
from shared.kit.http.transport import AsgiTransport, HttpTransport, Reply, Request, Transport
from shared.secrets_init import IdentityKey


@dataclass(frozen=True)
class TestKeys:
    """Identities of services, made for one test."""

    __test__ = False

    folder: Path

    def env(self, service: str) -> dict[str, str]:
        """The variables that settings read."""
        return {
            "SECRETS_DIR": str(self.folder / "secrets" / service),
            "PUBLIC_KEYS_DIR": str(self.folder / "public"),
            "ENVIRONMENT": "test",
        }

    def asserter(self, service: str) -> Asserter:
        pem = (self.folder / "secrets" / service / "identity.key").read_text()
        return Asserter.from_pem(service, pem)

    def assertion(self, *, caller: str, to: str) -> dict[str, str]:
        """The header that says that `caller` calls `to`."""
        return {ASSERTION_HEADER: self.asserter(caller).assertion_for(to)}

    def client(self, caller: str, callee: str, transport: Transport) -> ServiceClient:
        """The client of `caller` for `callee`, over `transport`."""
        return ServiceClient(caller, callee, transport, self.asserter(caller))


def make_keys(folder: Path, *services: str) -> TestKeys:
    """An identity for each of `services`, below `folder`."""
    for service in services:
        key = IdentityKey(service, folder / "secrets" / service, folder / "public")
        if key.missing():
            key.make()
    return TestKeys(folder)


def stack_client(caller: str, callee: str) -> ServiceClient:
    """The client of `caller` for `callee` in a running stack, with the identity it has there.

    Reads what `./dev test adapters` gives: BACK_POSTGRES_URL and so on, and TEST_SECRETS_ROOT, a
    folder with `<service>/identity.key`.
    """
    url = os.environ[f"{callee.replace('-', '_').upper()}_URL"]
    pem = (Path(os.environ["TEST_SECRETS_ROOT"]) / caller / "identity.key").read_text()
    return ServiceClient(caller, callee, HttpTransport(url), Asserter.from_pem(caller, pem))


class TestReply:
    """An answer of an app under test."""

    __test__ = False

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


class TestClient:
    """Plain HTTP into an app in memory."""

    __test__ = False

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
    ) -> TestReply:
        body, sent = content, dict(headers or {})
        if json is not None:
            body = _encoded(json)
            sent.setdefault("Content-Type", "application/json")
        if body is not None:
            sent.setdefault("Content-Length", str(len(body)))
        request = Request(method, path, dict(params or {}), sent, body)
        return TestReply(await self._transport.send(request, timeout=30))

    async def get(
        self,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> TestReply:
        return await self.request("GET", path, headers=headers, params=params)

    async def post(
        self,
        path: str,
        *,
        json: BaseModel | Mapping[str, object] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> TestReply:
        return await self.request("POST", path, json=json, content=content, headers=headers)

    async def put(
        self,
        path: str,
        *,
        json: BaseModel | Mapping[str, object],
        headers: Mapping[str, str] | None = None,
    ) -> TestReply:
        return await self.request("PUT", path, json=json, headers=headers)

    async def patch(
        self,
        path: str,
        *,
        json: BaseModel | Mapping[str, object],
        headers: Mapping[str, str] | None = None,
    ) -> TestReply:
        return await self.request("PATCH", path, json=json, headers=headers)


def _encoded(body: BaseModel | Mapping[str, object]) -> bytes:
    return (body.model_dump_json() if isinstance(body, BaseModel) else json.dumps(body)).encode()


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[TestClient]:
    """A client of `app` while its lifespan is on."""
    async with app.router.lifespan_context(app):
        yield TestClient(app)


def in_memory(apps: Mapping[str, FastAPI]) -> Callable[[str], Transport]:
    """A `connect` for `Service` that reaches `apps` by service name, without a network."""
    return lambda name: AsgiTransport(apps[name])
