"""Matchers: examples that match by type, and provider states."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pact import match
from pydantic import BaseModel, JsonValue
from pydantic_core import to_jsonable_python

UUID_FORM = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
INSTANT_FORM = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|\+00:00)$"


@dataclass(frozen=True)
class State:
    """A provider state: the data that the provider has before the request."""

    name: str
    parameters: Mapping[str, JsonValue]


def state(name: str, **parameters: object) -> State:
    """A state with its parameters; a provider's test sets it up."""
    return State(name, to_jsonable_python(parameters))


@dataclass(frozen=True)
class Exactly:
    value: object


def exactly(value: object) -> Exactly:
    """Inside of an example: exactly this value."""
    return Exactly(value)


def body_like(fields: Mapping[str, object]) -> dict[str, object]:
    """An object whose fields have the types and forms of the given ones.

    An id stands for every id, a moment for every moment in UTC, a list for one or more items
    like its first. None and an empty list stand for themselves.
    """
    return {name: _like(value) for name, value in fields.items()}


def _like(example: object) -> object:
    if isinstance(example, BaseModel | Mapping):
        return body_like(dict(example))
    if isinstance(example, list) and example:
        return match.each_like(_like(example[0]))
    return _value_like(example)


def _value_like(example: object) -> object:
    if isinstance(example, Exactly):
        return to_jsonable_python(example.value)
    if isinstance(example, UUID):
        return match.regex(str(example), regex=UUID_FORM)
    if isinstance(example, datetime):
        return match.regex(to_jsonable_python(example), regex=INSTANT_FORM)
    if isinstance(example, bool | float | str):
        return match.type(example)
    return match.int(example) if isinstance(example, int) else example
