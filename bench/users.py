"""Users for the load, who signed up through the public API."""

import asyncio
import re
import secrets
import time
from dataclasses import dataclass, field

import aiohttp

from plan import Call
from stack import BenchStack, StackFailed

COUNT = 50
PASSWORD = "correct horse battery staple"
SECONDS_FRESH = 300
MAIL_SECONDS = 60
_TOKEN = re.compile(r"token=([\w.-]+)")


@dataclass
class User:
    email: str
    id: str = ""
    access_token: str = ""
    refresh_token: str = ""

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}


@dataclass
class Users:
    """A pool with a profile each. `all` logs them in again before their tokens end."""

    stack: BenchStack
    _pool: list[User] = field(default_factory=list)
    _logged_in: float = 0

    def all(self) -> list[User]:
        """The users, made at the first call. Raises StackFailed."""
        if not self._pool:
            self.stack.say(f"signing up {COUNT} users")
            self._pool = asyncio.run(_signed_up(self.stack, COUNT))
        if time.monotonic() - self._logged_in > SECONDS_FRESH:
            asyncio.run(_log_in(self.stack, self._pool))
            self._logged_in = time.monotonic()
        return self._pool

    def calls(self, method: str, path: str, body: str = "") -> list[Call]:
        """The same call by each user."""
        return [
            Call(method=method, path=path, headers=user.bearer, body=body) for user in self.all()
        ]

    def sockets(self) -> list[str]:
        """The address of a socket for each user, each with a ticket for 30 seconds."""
        return asyncio.run(_sockets(self.stack, self.all()))


async def _signed_up(stack: BenchStack, count: int) -> list[User]:
    users = [User(f"bench-{secrets.token_hex(8)}@example.org") for _ in range(count)]
    async with _session(stack) as session:
        await asyncio.gather(*(_register(session, user) for user in users))
        tokens = await _mailed_tokens(stack, {user.email for user in users})
        await asyncio.gather(*(_confirm(session, user, tokens[user.email]) for user in users))
        await asyncio.gather(*(_logged_in(session, user) for user in users))
        names = {"first_name": "Ada", "last_name": "Lovelace", "timezone": "Europe/London"}
        await asyncio.gather(
            *(_sent(session, "/api/profile", names, user.bearer) for user in users)
        )
    return users


def _session(stack: BenchStack) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(stack.url(), connector=aiohttp.TCPConnector(limit=4))


async def _sent(
    session: aiohttp.ClientSession, path: str, body: object, headers: dict[str, str] | None = None
) -> dict[str, str]:
    async with session.post(path, json=body, headers=headers) as answer:
        if not answer.ok:
            raise StackFailed(f"POST {path}: {answer.status} {await answer.text()}")
        found: dict[str, str] = await answer.json()
        return found


async def _register(session: aiohttp.ClientSession, user: User) -> None:
    body = {"email": user.email, "password": PASSWORD, "accept_terms": True}
    await _sent(session, "/api/user-registration", body)


async def _confirm(session: aiohttp.ClientSession, user: User, token: str) -> None:
    answer = await _sent(session, "/auth/verify-email", {"token": token, "password": PASSWORD})
    user.id = answer["user_id"]


async def _logged_in(session: aiohttp.ClientSession, user: User) -> None:
    answer = await _sent(session, "/auth/login", {"email": user.email, "password": PASSWORD})
    user.access_token, user.refresh_token = answer["access_token"], answer["refresh_token"]


async def _log_in(stack: BenchStack, users: list[User]) -> None:
    async with _session(stack) as session:
        await asyncio.gather(*(_logged_in(session, user) for user in users))


async def _sockets(stack: BenchStack, users: list[User]) -> list[str]:
    address = stack.url().replace("http", "ws", 1)
    async with _session(stack) as session:
        answers = await asyncio.gather(
            *(_sent(session, "/auth/ws-ticket", None, user.bearer) for user in users)
        )
    return [f"{address}/ws/notifications?ticket={answer['ticket']}" for answer in answers]


async def _mailed_tokens(stack: BenchStack, emails: set[str]) -> dict[str, str]:
    """The token of the mail to each address. Raises StackFailed when one does not come."""
    tokens: dict[str, str] = {}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{8025 + stack.offset}") as session:
        ends = time.monotonic() + MAIL_SECONDS
        while tokens.keys() < emails:
            if time.monotonic() > ends:
                raise StackFailed(f"{len(emails) - len(tokens)} mails did not come")
            async with session.get("/api/v1/messages?limit=500") as answer:
                listed = (await answer.json())["messages"]
            for mail in listed:
                email = mail["To"][0]["Address"]
                if email in emails - tokens.keys():
                    async with session.get(f"/api/v1/message/{mail['ID']}") as answer:
                        tokens[email] = _TOKEN.findall((await answer.json())["Text"])[0]
            await asyncio.sleep(0.1)
    return tokens
