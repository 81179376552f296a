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
TRIES = 5
PROFILE = {"first_name": "Ada", "last_name": "Lovelace", "timezone": "Europe/London"}
_TOKEN = re.compile(r"token=([\w.-]+)")


@dataclass
class User:
    """A user of the stack; the tokens are those of the last login."""

    email: str
    id: str = ""
    access_token: str = ""
    refresh_token: str = ""

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}

    @property
    def credentials(self) -> dict[str, str]:
        return {"email": self.email, "password": PASSWORD}


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
            self._pool = asyncio.run(self._signed_up())
            self._logged_in = time.monotonic()
        elif time.monotonic() - self._logged_in > SECONDS_FRESH:
            self.renew()
        return self._pool

    def renew(self) -> list[User]:
        """The users, logged in anew."""
        asyncio.run(self._log_in(self._pool))
        self._logged_in = time.monotonic()
        return self._pool

    def admin(self) -> User:
        """An admin, made anew and logged in; one of no pool. Raises StackFailed."""
        admin = User(f"bench-{secrets.token_hex(8)}@example.org")
        self.stack.make_admin(admin.email, PASSWORD)
        asyncio.run(self._log_in([admin]))
        return admin

    def calls(self, method: str, path: str, body: str = "") -> list[Call]:
        """The same call by each user."""
        return [
            Call(method=method, path=path, headers=user.bearer, body=body) for user in self.all()
        ]

    def sockets(self) -> list[str]:
        """The address of a socket for each user, each with a ticket for 30 seconds."""
        tickets = asyncio.run(self.tickets(self.all()))
        address = self.stack.url().replace("http", "ws", 1)
        return [f"{address}/ws/notifications?ticket={ticket}" for ticket in tickets]

    async def tickets(self, users: list[User]) -> list[str]:
        """A ticket for a socket of each of them; one user may be named several times."""
        async with self._session() as session:
            posts = (_sent(session, "/auth/ws-ticket", None, user) for user in users)
            return [answer["ticket"] for answer in await asyncio.gather(*posts)]

    async def _signed_up(self) -> list[User]:
        users = [User(f"bench-{secrets.token_hex(8)}@example.org") for _ in range(COUNT)]
        async with self._session() as session:
            bodies = [{**user.credentials, "accept_terms": True} for user in users]
            await asyncio.gather(
                *(_sent(session, "/api/user-registration", body) for body in bodies)
            )
            tokens = await self._mailed_tokens({user.email for user in users})

            async def confirm(user: User) -> None:
                body = {"token": tokens[user.email], "password": PASSWORD}
                user.id = (await _sent(session, "/auth/verify-email", body))["user_id"]

            await asyncio.gather(*map(confirm, users))
            await self._log_in(users)
            await asyncio.gather(*(_sent(session, "/api/profile", PROFILE, it) for it in users))
        return users

    async def _log_in(self, users: list[User]) -> None:
        async with self._session() as session:

            async def log_in(user: User) -> None:
                pair = await _sent(session, "/auth/login", user.credentials)
                user.access_token, user.refresh_token = pair["access_token"], pair["refresh_token"]

            await asyncio.gather(*map(log_in, users))

    async def _mailed_tokens(self, emails: set[str]) -> dict[str, str]:
        """The token of the mail to each address. Raises StackFailed when one does not come."""
        tokens: dict[str, str] = {}
        ends = time.monotonic() + MAIL_SECONDS
        async with aiohttp.ClientSession(self.stack.url("mailbox")) as mailbox:
            while missing := emails - tokens.keys():
                if time.monotonic() > ends:
                    raise StackFailed(f"{len(missing)} mails did not come")
                await asyncio.sleep(0.1)
                async with mailbox.get("/api/v1/messages?limit=500") as answer:
                    listed = (await answer.json())["messages"]
                for mail in listed:
                    if (email := mail["To"][0]["Address"]) in missing:
                        async with mailbox.get(f"/api/v1/message/{mail['ID']}") as answer:
                            tokens[email] = _TOKEN.findall((await answer.json())["Text"])[0]
        return tokens

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(self.stack.url(), connector=aiohttp.TCPConnector(limit=4))


async def _sent(
    session: aiohttp.ClientSession, path: str, body: object, user: User | None = None
) -> dict[str, str]:
    """The answer to a POST, which is no part of a measurement and is repeated where the stack is
    not ready for it. Raises StackFailed where it is not 2xx.
    """
    for attempt in range(TRIES):
        async with session.post(path, json=body, headers=user.bearer if user else {}) as answer:
            if answer.ok:
                found: dict[str, str] = await answer.json()
                return found
            said = f"{answer.status} {await answer.text()}"
        if answer.status < 500:
            break
        await asyncio.sleep(1 + attempt)
    raise StackFailed(f"POST {path}: {said}")
