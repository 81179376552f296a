"""A free text in the payload of an event is known as personal, or stated here as none."""

from collections.abc import Iterator

from pydantic import BaseModel

from shared.models.event import PERSONAL_FIELDS
from shared.testing.contracts.models import model
from shared.testing.contracts.pairs import contracts

IMPERSONAL = frozenset(
    {"changed", "consumer", "event_type", "kind", "language", "name", "operator"}
)
"""Texts that say nothing of a user: names that the code gives, names of tools, a language, and who
operates the stack."""


def texts_of(payload: type[BaseModel]) -> Iterator[str]:
    """The fields that may hold any text, also in a list or an object."""
    schema = payload.model_json_schema()
    for name, field in schema["properties"].items():
        kinds = [field, *field.get("anyOf", []), field.get("items", {})]
        if any(_is_free(kind) for kind in kinds):
            yield name


def _is_free(kind: dict[str, object]) -> bool:
    if kind.get("type") == "object":
        return True
    bound = {"format", "enum", "const", "pattern"} & kind.keys()
    return kind.get("type") == "string" and not bound


def test_each_text_of_an_event_is_personal_or_stated_as_none() -> None:
    unknown = {
        f"{event.type}: {name}"
        for contract in contracts()
        for event in contract.events
        for name in texts_of(model(event.payload))
        if name not in PERSONAL_FIELDS | IMPERSONAL
    }
    assert unknown == set(), "name it in PERSONAL_FIELDS, so that it goes with the account"


def test_nothing_is_stated_that_no_event_has() -> None:
    used = {
        name
        for contract in contracts()
        for event in contract.events
        for name in texts_of(model(event.payload))
    }
    assert used == PERSONAL_FIELDS | IMPERSONAL
