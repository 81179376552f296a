"""What a value has to look like: examples that match by type, and the states that they need."""

from collections.abc import Mapping, Sequence
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
    """What the provider has to hold before it is asked, in the words of the field."""

    name: str
    parameters: Mapping[str, JsonValue]


def state(name: str, **parameters: object) -> State:
    """A state with its parameters; a provider's test knows how to bring it about."""
    return State(name, {key: to_jsonable_python(value) for key, value in parameters.items()})


def like(example: object) -> object:
    """Matches what has the type and form of `example`, whole: a model, or plain values.

    An id matches every id, a moment every moment in UTC, a list one or more items like its
    first. None matches null alone. A dict takes a value in place of a field where that very
    value is meant: `like(user) | {"status": "active"}`; see `Body`.
    """
    match example:
        case BaseModel():
            return like(dict(example))
        case Mapping():
            return {name: like(value) for name, value in example.items()}
        case UUID():
            return _form(str(example), UUID_FORM)
        case datetime():
            return _form(example.isoformat().replace("+00:00", "Z"), INSTANT_FORM)
        case _:
            return _plain(example)
