"""Clients of the running stack: a visitor at the gateway, and the mailbox."""

import asyncio
import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import httpx
from websockets.asyncio.client import ClientConnection, connect

from shared.testing.live_client import LiveClient

Found = TypeVar("Found")

TLS = httpx.create_ssl_context()
"""Shared by all clients, since each would read every certificate anew: 70 ms of CPU."""

PASSWORD = "correct horse battery staple"
_LINK = re.compile(r"https?://\S+/app/(?:confirm|password-reset)\?token=([\w.-]+)")


async def until(look: Callable[[], Awaitable[Found | None]], *, within: float) -> Found:
    """Poll `look` until it returns something.

    Raises TimeoutError after `within` seconds of None.
    """
    deadline = time.monotonic() + within
    while (found := await look()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within} s")
        await asyncio.sleep(0.02)
    return found


@dataclass(frozen=True)
class Mail:
    """A mail that arrived."""

    message_id: str
    to: str
    subject: str
    text: str
    headers: dict[str, list[str]]

    @property
    def token(self) -> str:
        """The token in the link of a mail that confirms an address or resets a password."""
        match = _LINK.search(self.text)
        assert match, f"no link in: {self.text}"
        return match[1]


class Mailbox:
    """The mails of the stack, by Mailpit's REST paths."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.AsyncClient(base_url=url, timeout=60, verify=TLS)

    async def close(self) -> None:
        await self._http.aclose()

    async def to(self, address: str) -> list[Mail]:
        """All mails to `address`, oldest first."""
        listed = (await self._http.get("/api/v1/messages", params={"limit": 500})).json()
        wanted = [
            entry["ID"]
            for entry in listed["messages"]
            if address in [to["Address"] for to in entry["To"]]
        ]
        return [await self._read(identity) for identity in reversed(wanted)]

    async def arrivals(self) -> dict[str, str]:
        """The Message-ID of each mail that is kept, by the mailbox's own id of it."""
        listed = (await self._http.get("/api/v1/messages", params={"limit": 1000})).json()
        return {entry["ID"]: entry["MessageID"] for entry in listed["messages"]}

    async def first_to(self, address: str, *, within: float = 40) -> Mail:
        """The first mail to `address`."""

        async def look() -> Mail | None:
            mails = await self.to(address)
            return mails[0] if mails else None

        return await until(look, within=within)

    async def _read(self, identity: str) -> Mail:
        found = (await self._http.get(f"/api/v1/message/{identity}")).json()
        headers = (await self._http.get(f"/api/v1/message/{identity}/headers")).json()
        return Mail(
            found["MessageID"], found["To"][0]["Address"], found["Subject"], found["Text"], headers
        )


class Visitor:
    """Somebody who uses the stack through the gateway."""

    def __init__(self, base_url: str, mailbox: Mailbox, email: str) -> None:
        self.base_url = base_url
        self.email = email
        self.mailbox = mailbox
        self.http = httpx.AsyncClient(base_url=base_url, timeout=60, verify=TLS)
        self.access_token = ""
        self.refresh_token = ""

    async def register(self, **headers: str) -> httpx.Response:
        body = {"email": self.email, "password": PASSWORD, "accept_terms": True}
        return await self.http.post("/api/user-registration", json=body, headers=headers)

    async def confirm(self) -> httpx.Response:
        """Follow the link of the first mail and type the password."""
        mail = await self.mailbox.first_to(self.email)
        body = {"token": mail.token, "password": PASSWORD}
        return await self.http.post("/auth/verify-email", json=body)

    async def log_in(self, password: str = PASSWORD) -> httpx.Response:
        body = {"email": self.email, "password": password}
        reply = await self.http.post("/auth/login", json=body)
        self._keep(reply)
        return reply

    async def refresh(self, token: str | None = None) -> httpx.Response:
        body = {"refresh_token": token or self.refresh_token}
        reply = await self.http.post("/auth/refresh", json=body)
        self._keep(reply)
        return reply

    async def log_out(self) -> httpx.Response:
        return await self.http.post("/auth/logout", headers=self.bearer)

    async def sign_up(self) -> "Visitor":
        """Register, confirm and log in."""
        assert (await self.register()).status_code == 202
        assert (await self.confirm()).status_code == 200
        assert (await self.log_in()).status_code == 200
        return self

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}

    async def get(self, path: str, **params: str | int) -> httpx.Response:
        return await self.http.get(path, params=params, headers=self.bearer)

    async def post(self, path: str, body: object = None) -> httpx.Response:
        return await self.http.post(path, json=body, headers=self.bearer)

    async def delete(self, path: str, body: object = None) -> httpx.Response:
        return await self.http.request("DELETE", path, json=body, headers=self.bearer)

    async def patch(self, path: str, body: object) -> httpx.Response:
        return await self.http.patch(path, json=body, headers=self.bearer)

    @asynccontextmanager
    async def socket(self, **query: str) -> AsyncIterator[ClientConnection]:
        """An open socket for live notifications."""
        ticket = (await self.post("/auth/ws-ticket")).json()["ticket"]
        parameters = httpx.QueryParams({"ticket": ticket, **query})
        url = f"{self.base_url.replace('http', 'ws', 1)}/ws/notifications?{parameters}"
        async with connect(url, compression=None) as socket:
            yield socket

    def live_client(self, base_url: str = "") -> LiveClient:
        """A client for live notifications that reconnects, at the gateway or at `base_url`."""

        async def ticket() -> str | None:
            with suppress(httpx.TransportError):
                reply = await self.post("/auth/ws-ticket")
                if reply.status_code == 401:
                    await self.refresh()
                return reply.json()["ticket"] if reply.is_success else None
            return None

        url = (base_url or self.base_url).replace("http", "ws", 1)
        return LiveClient(f"{url}/ws/notifications", ticket)

    def _keep(self, reply: httpx.Response) -> None:
        if reply.status_code == 200:
            self.access_token = reply.json()["access_token"]
            self.refresh_token = reply.json()["refresh_token"]


def fresh_address() -> str:
    """An address that nobody has used."""
    return f"visitor-{secrets.token_hex(8)}@example.org"


def code_of(reply: httpx.Response) -> str:
    """The code of a refusal; asserts that it is complete problem+json."""
    assert reply.headers["content-type"].startswith("application/problem+json"), reply.text
    problem = reply.json()
    missing = {"type", "title", "status", "detail", "instance", "code", "correlation_id"} - set(
        problem
    )
    assert not missing, problem
    assert problem["status"] == reply.status_code
    assert problem["correlation_id"] == reply.headers["x-correlation-id"]
    return str(problem["code"])
