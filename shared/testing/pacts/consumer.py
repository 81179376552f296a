"""The consumer's side: real adapters against a mock server with one interaction."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pact
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pact import match
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from shared.kit.auth.service_identity import AssertionSigner
from shared.kit.http.client import ServiceClient
from shared.kit.http.headers import ASSERTION_HEADER
from shared.kit.http.problems import MEDIA_TYPE
from shared.kit.http.server_sent_events import ServerSentEvent
from shared.kit.http.transport import HttpTransport
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.pacts import agreement
from shared.testing.pacts.document import FOLDER, Interaction, keep, pact_file
from shared.testing.pacts.matching import State, body_like, exactly

_JWT_FORM = r"^[\w-]+\.[\w-]+\.[\w-]+$"
_JSON = "application/json"


@dataclass(frozen=True)
class Reply:
    status: int
    body: dict[str, object] | None
    media_type: str


def reply(status: int, body: Mapping[str, object] | None = None) -> Reply:
    """The answer that is read: `body` is an example of the fields that the consumer reads."""
    return Reply(status, None if body is None else body_like(body), _JSON)


def refusal(status: int, code: str) -> Reply:
    """Problem details (RFC 9457) with exactly this code."""
    problem = {
        "type": f"urn:tools-dashboard:problem:{code}",
        "title": "what kind of refusal",
        "status": exactly(status),
        "detail": "why",
        "instance": "/the/path",
        "code": exactly(code),
        "correlation_id": "any",
    }
    return Reply(status, body_like(problem), MEDIA_TYPE)


class ConsumerPact:
    """What `consumer` sends to `provider` and reads of it; one for a module of tests.

    A feature that has a module of its own names itself, and gets a file of its own.

    Raises from its blocks: NotAgreed, where a contract does not say the same; AssertionError,
    where the consumer did not ask what it said it would.
    """

    def __init__(
        self, consumer: str, provider: str, *, feature: str | None = None, folder: Path = FOLDER
    ) -> None:
        self._consumer = consumer
        self._provider = provider
        self._file = pact_file(consumer, provider, folder, feature=feature)
        self._signer = AssertionSigner(consumer, Ed25519PrivateKey.generate())
        self._interactions: dict[str, Interaction] = {}
        self._begun = 0

    @asynccontextmanager
    async def exchange(
        self,
        description: str,
        *,
        asks: str,
        answers: Reply,
        given: Sequence[State] = (),
        sends: BaseModel | None = None,
        query: Mapping[str, object] | None = None,
    ) -> AsyncIterator[ServiceClient]:
        """A client of the provider that answers this request alone.

        `asks` is method and path, `sends` an example of the body: everything that is sent.
        """
        method, _, path = asks.partition(" ")
        pact_of_one = self._pact()
        interaction = pact_of_one.upon_receiving(description, "HTTP")
        for it in given:
            interaction.given(it.name, dict(it.parameters))
        interaction.with_request(method, path)
        interaction.with_header(ASSERTION_HEADER, match.regex("a.b.c", regex=_JWT_FORM))
        if query:
            interaction.with_query_parameters({name: str(it) for name, it in query.items()})
        if sends is not None:
            interaction.with_body(body_like(dict(sends)), _JSON)
        interaction.will_respond_with(answers.status)
        if answers.body is not None:
            interaction.with_body(answers.body, answers.media_type)

        with pact_of_one.serve("127.0.0.1", raises=False, verbose=False) as server:
            transport = HttpTransport(f"http://127.0.0.1:{server.port}")
            client = ServiceClient(self._consumer, self._provider, transport, self._signer)
            failed: Exception | None = None
            try:
                async with client:
                    yield client
            except Exception as error:  # noqa: BLE001  (the mock server knows more than it says)
                failed = error
            if not server.matched:
                mismatches = "\n".join(str(mismatch) for mismatch in server.mismatches)
                raise AssertionError(
                    f"{self._consumer} did not ask what {description!r} says:\n{mismatches}"
                ) from failed
        if failed:
            raise failed
        self._remember(pact_of_one)

    @asynccontextmanager
    async def message(
        self, description: str, content: Mapping[str, object], *, given: Sequence[State] = ()
    ) -> AsyncIterator[str]:
        """A message of the provider as JSON text: an event or an entry of a stream.

        `description` is the event's type or the stream's name, and which case it is after a
        colon where there are several; `content` is an example of the fields that are read.
        """
        pact_of_one = self._pact()
        interaction = pact_of_one.upon_receiving(description, "Async")
        for it in given:
            interaction.given(it.name, dict(it.parameters))
        interaction.with_body(body_like(content), _JSON)
        contents: list[str | bytes] = []
        pact_of_one.verify(lambda body, _: contents.append(body or ""), "Async")
        (text,) = contents
        yield text if isinstance(text, str) else text.decode()
        self._remember(pact_of_one)

    @asynccontextmanager
    async def stream(
        self, description: str, entry: Mapping[str, object], *, given: Sequence[State] = ()
    ) -> AsyncIterator[ServiceClient]:
        """A client of the provider, whose stream of that name tells this one entry.

        A stream has no end, so it is no request with an answer: its entries are messages.
        """
        async with self.message(description, entry, given=given) as text:

            async def stream_body() -> AsyncIterator[bytes]:
                yield ServerSentEvent("entry", text, "1-0").encode()
                yield ServerSentEvent("caught-up", "{}", "1-0").encode()
                await asyncio.Event().wait()

            async def follow(_: Request) -> StreamingResponse:
                return StreamingResponse(stream_body(), media_type="text/event-stream")

            app = Starlette(routes=[Route(f"/streams/{description.partition(':')[0]}", follow)])
            yield ServiceClient(self._consumer, self._provider, AsgiTransport(app), self._signer)

    def must_be_kept(self) -> None:
        """Compare the interactions of the module's tests with the committed pact.

        Raises:
            PactChanged: they differ; the message says how to write the pact anew.
        """
        if self._begun > len(self._interactions):
            raise AssertionError("the pact is not whole: a test before this one has failed")
        keep(self._file, self._consumer, self._provider, list(self._interactions.values()))

    def _pact(self) -> pact.Pact:
        self._begun += 1
        return pact.Pact(self._consumer, self._provider).with_specification("V4")

    def _remember(self, pact_of_one: pact.Pact) -> None:
        with tempfile.TemporaryDirectory() as folder:
            pact_of_one.write_file(folder)
            (written,) = Path(folder).iterdir()
            (interaction,) = json.loads(written.read_text())["interactions"]
        agreement.check(self._consumer, self._provider, interaction)
        description = interaction["description"]
        if description in self._interactions:
            raise AssertionError(f"two interactions are called {description!r}")
        self._interactions[description] = interaction
