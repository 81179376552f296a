"""The consumer's side: real adapters against a mock server that knows one interaction."""

import json
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

import pact
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pact import match
from pydantic import BaseModel

from shared.kit.auth.service_identity import AssertionSigner
from shared.kit.http.client import ServiceClient
from shared.kit.http.headers import ASSERTION_HEADER
from shared.kit.http.problems import MEDIA_TYPE
from shared.kit.http.transport import HttpTransport
from shared.testing.pacts.document import FOLDER, Recording
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
    """Problem details (RFC 9457) with this very code."""
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


@contextmanager
def recorded(
    request: pytest.FixtureRequest, consumer: str, provider: str
) -> Iterator["ConsumerPact"]:
    """The pact that a module of tests records, for a fixture of that module.

    Each test compares its own interaction with the committed pact, so it passes or fails alone and
    in any order. When all tests of the module have passed, an interaction that none of them says
    is an error.
    """
    pact_of_module = ConsumerPact(consumer, provider)
    yield pact_of_module
    if not request.session.testsfailed:
        options = request.config
        some = options.getoption("keyword") or any("::" in arg for arg in options.args)
        pact_of_module.recording.finish(complete=not some)


class ConsumerPact:
    """What `consumer` sends to `provider` and reads of it.

    Its blocks raise PactChanged where the committed pact says something else, and AssertionError
    where the consumer did not send what it should.
    """

    def __init__(self, consumer: str, provider: str, *, folder: Path = FOLDER) -> None:
        self._consumer = consumer
        self._provider = provider
        self._signer = AssertionSigner(consumer, Ed25519PrivateKey.generate())
        self.recording = Recording(consumer, provider, folder)

    @asynccontextmanager
    async def exchange(
        self,
        description: str,
        *,
        asks: str,
        answers: Reply,
        given: Sequence[State] = (),
        sends: BaseModel | None = None,
    ) -> AsyncIterator[ServiceClient]:
        """A client of the provider that answers this request alone.

        `asks` is method, path and query, `sends` an example of the body: everything that is sent.
        """
        method, _, path = asks.partition(" ")
        pact_of_one = self._pact()
        interaction = pact_of_one.upon_receiving(description, "HTTP")
        for it in given:
            interaction.given(it.name, dict(it.parameters))
        path, _, query = path.partition("?")
        interaction.with_request(method, path)
        interaction.with_query_parameters(dict(parse_qsl(query)))
        interaction.with_header(ASSERTION_HEADER, match.regex("a.b.c", regex=_JWT_FORM))
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
            except Exception as error:  # noqa: BLE001  (the mock server's mismatches say more)
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
    async def message(self, event_type: str, content: Mapping[str, object]) -> AsyncIterator[str]:
        """An event as JSON text; `content` is an example of the fields that are read."""
        pact_of_one = self._pact()
        interaction = pact_of_one.upon_receiving(event_type, "Async")
        interaction.with_body(body_like(content), _JSON)
        contents: list[str | bytes] = []
        pact_of_one.verify(lambda body, _: contents.append(body or ""), "Async")
        (text,) = contents
        yield text if isinstance(text, str) else text.decode()
        self._remember(pact_of_one)

    def _pact(self) -> pact.Pact:
        return pact.Pact(self._consumer, self._provider).with_specification("V4")

    def _remember(self, pact_of_one: pact.Pact) -> None:
        with tempfile.TemporaryDirectory() as folder:
            pact_of_one.write_file(folder)
            (written,) = Path(folder).iterdir()
            (interaction,) = json.loads(written.read_text())["interactions"]
        self.recording.add(interaction)
