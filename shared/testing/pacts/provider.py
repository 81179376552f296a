"""The provider's side: every request of a pact against the real app, every message made for real.

Pact's verifier asks over HTTP; a small app before the provider's own brings about the states and
makes the messages. The assertion of the pact, or the token of its user, is replaced by one that is
signed and fresh.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pact
from pydantic import BaseModel, JsonValue
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from shared.testing.identities import Identities
from shared.testing.pacts.document import FOLDER, parties_in
from shared.testing.uvicorn_server import served

Parameters = dict[str, JsonValue]
SetUp = Callable[[Parameters], Awaitable[None]]
Produce = Callable[[], Awaitable[BaseModel]]

_STATES, _MESSAGES = "/_pact/states", "/_pact/messages"
_REQUEST_MS = 10_000


class NotKept(AssertionError):
    """The provider answers or publishes something else than its consumer expects."""


def pacts_of(provider: str, folder: Path = FOLDER) -> list[Path]:
    """The pacts that name `provider`."""
    return [path for path in sorted(folder.glob("*.json")) if parties_in(path)[1] == provider]


class Provider:
    """A provider with its `states` and `messages` by name, each made by a function of its tests.

    `app` is running already, and `keys` holds the identities of its callers; a front is no such
    caller, for it `headers` authenticate its user. Who is asked for messages alone needs none of
    them. `clean` empties the provider after each interaction.
    """

    def __init__(
        self,
        name: str,
        *,
        app: ASGIApp | None = None,
        keys: Identities | None = None,
        headers: Mapping[str, str] | None = None,
        states: Mapping[str, SetUp] | None = None,
        messages: Mapping[str, Produce] | None = None,
        clean: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._name = name
        self._app = app or Starlette()
        self._keys = keys
        self._headers = dict(headers or {})
        self._states = states or {}
        self._messages = messages or {}
        self._clean = clean
        self._failures: list[Exception] = []

    async def keeps(self, path: Path) -> None:
        """Verify one pact.

        Raises:
            NotKept: an answer or a message is not as the consumer needs it, or the provider's
                tests don't know a state or a message of the pact.
        """
        consumer, provider = parties_in(path)
        if provider != self._name:
            raise NotKept(f"{path.name} is a pact of {provider}")
        self._must_know(path)
        front = Starlette(
            routes=[
                Route(_STATES, self._set_up, methods=["POST"]),
                Route(_MESSAGES, self._produce, methods=["POST"]),
                Mount("", app=self._app),
            ]
        )
        async with served(front) as url:
            verifier = pact.Verifier(self._name, "127.0.0.1").add_source(path)
            verifier.set_request_timeout(_REQUEST_MS)
            verifier.add_transport(url=url)
            port = int(url.rpartition(":")[2])
            verifier.add_transport(protocol="message", port=port, path=_MESSAGES, scheme="http")
            verifier.state_handler(f"{url}{_STATES}", teardown=self._clean is not None, body=True)
            headers = self._headers
            if self._keys:
                headers |= self._keys.assertion(caller=consumer, to=self._name)
            if headers:
                verifier.add_custom_headers(headers)
            try:
                await asyncio.to_thread(verifier.verify)
            except RuntimeError as error:
                output = verifier.output(strip_ansi=True)
                cause = self._failures[0] if self._failures else error
                raise NotKept(f"{self._name} does not keep {path.name}:\n{output}") from cause
            if self._failures:
                raise NotKept(f"a state or a message of {path.name} failed") from self._failures[0]

    def _must_know(self, path: Path) -> None:
        interactions = json.loads(path.read_text())["interactions"]
        states = {it["name"] for one in interactions for it in one.get("providerStates", [])}
        events = {it["description"] for it in interactions if it["type"] != "Synchronous/HTTP"}
        unknown = [f"the state {name!r}" for name in sorted(states - self._states.keys())]
        unknown += [f"the message {name!r}" for name in sorted(events - self._messages.keys())]
        if unknown:
            raise NotKept(
                f"{path.name} needs what the tests of {self._name} don't know: "
                + ", ".join(unknown)
            )

    async def _set_up(self, request: Request) -> Response:
        asked = await request.json()
        with self._remembered():
            if asked["action"] == "teardown":
                await (self._clean or _nothing)()
            elif asked["state"]:
                await self._states[asked["state"]](asked.get("params") or {})
        return Response()

    async def _produce(self, request: Request) -> Response:
        asked = await request.json()
        with self._remembered():
            message = await self._messages[asked["description"]]()
            return Response(message.model_dump_json(), media_type="application/json")
        return Response()

    @contextmanager
    def _remembered(self) -> Iterator[None]:
        # The verifier would retry an error response for a minute.
        try:
            yield
        except Exception as error:  # noqa: BLE001  (it is raised when the verifier is done)
            self._failures.append(error)


async def _nothing() -> None:
    """There is nothing to clean."""
