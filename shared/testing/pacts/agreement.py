"""Checks that the contracts contain the calls, events and fields of a pact."""

import re
from collections.abc import Iterator

from pydantic import BaseModel, JsonValue, ValidationError

from shared.models.event import EventEnvelope
from shared.models.problem import Problem
from shared.testing.contracts.models import model
from shared.testing.contracts.pairs import contracts
from shared.testing.contracts.schema import Endpoint
from shared.testing.pacts.document import Interaction


class NotAgreed(AssertionError):
    """A consumer's test expects something that no contract contains."""


def check(consumer: str, provider: str, interaction: Interaction) -> None:
    """Compare one interaction with the contracts.

    Raises:
        NotAgreed: a call, a status, a code, an event or a field that no contract has.
    """
    is_http = interaction["type"] == "Synchronous/HTTP"
    found = (_wrong_call if is_http else _wrong_event)(consumer, provider, interaction)
    if complaints := "; ".join(found):
        raise NotAgreed(f"{consumer} → {provider}, {interaction['description']}: {complaints}")


def _wrong_call(consumer: str, provider: str, interaction: Interaction) -> Iterator[str]:
    asked, answered = interaction["request"], interaction["response"]
    call = f"{asked['method']} {asked['path']}"
    served = (it for of in contracts() for it in of.endpoints if it.service == provider)
    endpoints = [it for it in served if _serves(it, call)]
    if not endpoints:
        yield f"no contract has {call}"
        return
    # A literal path comes before one with a parameter.
    endpoint = min(endpoints, key=lambda it: it.path.count("{"))
    called = f"{endpoint.method} {endpoint.path}"
    if consumer not in endpoint.callers:
        yield f"{consumer} is not among the callers of {called}"
    for name in asked.get("query", {}).keys() - endpoint.query.keys():
        yield f"the contract has no query parameter {name}"
    yield from _unknown_fields("the request", _content(asked), endpoint.request)

    status, answer = answered["status"], _content(answered)
    if status == endpoint.response.status:
        yield from _unknown_fields("the answer", answer, endpoint.response.model)
    else:
        code = answer.get("code") if isinstance(answer, dict) else None
        if code not in endpoint.errors.get(status, []):
            yield f"the contract of {called} has no {status} {code}"
        yield from _unknown_fields("the refusal", answer, Problem)


def _wrong_event(consumer: str, provider: str, interaction: Interaction) -> Iterator[str]:
    """A message is named after its event."""
    name = interaction["description"]
    content = interaction["contents"]["content"]
    receivers = {
        it.name: {it.service, it.delivered_by} for of in contracts() for it in of.consumers
    }
    for event in (it for contract in contracts() for it in contract.events):
        if event.type == name and provider in event.publishers:
            if not any(consumer in receivers[it] for it in event.consumers):
                yield f"{consumer} receives no {name}"
            yield from _unknown_fields("the event", content, EventEnvelope)
            yield from _unknown_fields("the payload", content.get("payload"), event.payload)
            return
    yield f"no contract lets {provider} publish {name}"


def _serves(endpoint: Endpoint, call: str) -> bool:
    pattern = re.sub(r"\{\w+\}", "[^/]+", f"{endpoint.method} {endpoint.path}")
    return bool(re.fullmatch(pattern, call))


def _unknown_fields(
    what: str, content: JsonValue, named: str | type[BaseModel] | None
) -> Iterator[str]:
    """Fields may be missing, as a consumer need not read all; none may be unknown or wrong."""
    if named is None:
        if content is not None:
            yield f"{what} has a body, and the contract has none"
        return
    kind = model(named) if isinstance(named, str) else named
    try:
        kind.model_validate(content, extra="forbid")
    except ValidationError as error:
        for mistake in error.errors():
            where = ".".join(str(part) for part in mistake["loc"])
            if mistake["type"] == "extra_forbidden":
                yield f"{what} has {where}, which {kind.__name__} has not"
            elif mistake["type"] != "missing":
                yield f"{what} has {where}, which is not as in {kind.__name__}: {mistake['msg']}"


def _content(part: Interaction) -> JsonValue:
    return part.get("body", {}).get("content")  # type: ignore[no-any-return]
