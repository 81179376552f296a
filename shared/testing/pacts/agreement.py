"""Checks that the contracts contain the calls, messages and fields of a pact."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pydantic import BaseModel, JsonValue, ValidationError

from shared.models.event import EventEnvelope
from shared.models.problem import Problem
from shared.testing.contracts.files import read_all
from shared.testing.contracts.models import model as model_named
from shared.testing.contracts.schema import Contract, Endpoint
from shared.testing.pacts.document import Interaction


class NotAgreed(AssertionError):
    """A consumer's test expects something that no contract contains."""


@cache
def _contracts() -> list[Contract]:
    root = Path(__file__).parents[3]
    return [file.contract for file in read_all(root).values()]


def check(consumer: str, provider: str, interaction: Interaction) -> None:
    """Compare one interaction with the contracts.

    Raises:
        NotAgreed: a call, a status, a code, an event or a field that no contract has.
    """
    is_http = interaction["type"] == "Synchronous/HTTP"
    found = (_wrong_call if is_http else _wrong_message)(consumer, provider, interaction)
    if complaints := list(found):
        raise NotAgreed(
            f"{consumer} → {provider}, {interaction['description']}: " + "; ".join(complaints)
        )


def _wrong_call(consumer: str, provider: str, interaction: Interaction) -> Iterator[str]:
    asked, answered = _object(interaction["request"]), _object(interaction["response"])
    method, path = str(asked["method"]), str(asked["path"])
    endpoints = [
        endpoint
        for contract in _contracts()
        for endpoint in contract.endpoints
        if _serves(endpoint, provider, method, path)
    ]
    if not endpoints:
        yield f"no contract has {method} {path}"
        return
    # A literal path comes before one with a parameter.
    endpoint = min(endpoints, key=lambda it: it.path.count("{"))
    if consumer not in endpoint.callers:
        yield f"{consumer} is not among the callers of {method} {endpoint.path}"
    for name in _object(asked.get("query", {})).keys() - endpoint.query.keys():
        yield f"the contract has no query parameter {name}"
    yield from _unknown_fields("the request", _content(asked), endpoint.request)

    status, answer = answered["status"], _content(answered)
    if status == endpoint.response.status:
        yield from _unknown_fields("the answer", answer, endpoint.response.model)
    else:
        code = _object(answer).get("code")
        if code not in endpoint.errors.get(int(str(status)), []):
            yield f"the contract of {method} {endpoint.path} has no {status} {code}"
        yield from _strange_fields("the refusal", answer, Problem)


def _wrong_message(consumer: str, provider: str, interaction: Interaction) -> Iterator[str]:
    """The event or stream that a message is named after; a case may follow a colon."""
    name = str(interaction["description"]).partition(":")[0]
    content = _object(interaction["contents"])["content"]
    receivers = {
        it.name: {it.service, it.delivered_by}
        for contract in _contracts()
        for it in contract.consumers
    }
    for contract in _contracts():
        for event in contract.events:
            if (event.type, event.publisher) == (name, provider):
                if not any(consumer in receivers[it] for it in event.consumers):
                    yield f"{consumer} receives no {name}"
                yield from _strange_fields("the event", content, EventEnvelope)
                payload = _object(content).get("payload")
                yield from _unknown_fields("the payload", payload, event.payload)
                return
        for stream in contract.streams:
            if (stream.name, stream.publisher) == (name, provider):
                if consumer not in stream.consumers:
                    yield f"{consumer} is not among the consumers of the stream {name}"
                yield from _unknown_fields("the entry", content, stream.entry)
                return
    yield f"no contract lets {provider} publish {name}"


def _serves(endpoint: Endpoint, provider: str, method: str, path: str) -> bool:
    pattern = re.sub(r"\{\w+\}", "[^/]+", endpoint.path)
    return (endpoint.service, endpoint.method) == (provider, method) and bool(
        re.fullmatch(pattern, path)
    )


def _unknown_fields(what: str, content: JsonValue, model: str | None) -> Iterator[str]:
    if model is None:
        if content is not None:
            yield f"{what} has a body, and the contract has none"
        return
    yield from _strange_fields(what, content, model_named(model))


def _strange_fields(what: str, content: JsonValue, model: type[BaseModel]) -> Iterator[str]:
    """Fields may be missing, as a consumer need not read all; none may be unknown or wrong."""
    try:
        model.model_validate(content, extra="forbid")
    except ValidationError as error:
        for mistake in error.errors():
            where = ".".join(str(part) for part in mistake["loc"])
            if mistake["type"] == "extra_forbidden":
                yield f"{what} has {where}, which {model.__name__} has not"
            elif mistake["type"] != "missing":
                yield f"{what} has {where}, which is not as in {model.__name__}: {mistake['msg']}"


def _content(part: dict[str, JsonValue]) -> JsonValue:
    return _object(part.get("body", {})).get("content")


def _object(value: JsonValue) -> dict[str, JsonValue]:
    return value if isinstance(value, dict) else {}
