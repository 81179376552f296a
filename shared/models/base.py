"""The base classes of requests, responses and events, and the types of their texts.

Requests from outside are refused when they have unknown fields. Everything else ignores unknown
fields, so that versions N and N-1 of a service can run side by side.
"""

import unicodedata
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    StringConstraints,
    model_validator,
)


def _without_nul(text: str) -> str:
    # PostgreSQL cannot store U+0000, and lone surrogates have no UTF-8 form.
    if "\x00" in text:
        raise ValueError("must not contain the NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode text") from None
    return text


_REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
_BIDI_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _one_line(text: str) -> str:
    if text.isprintable():  # most text; nothing of what is refused is printable
        return text
    _without_nul(text)
    # Zero-width joiners (U+200C, U+200D) are part of Persian words and of joined emoji.
    for character in text:
        if unicodedata.category(character) in _REFUSED_CATEGORIES or character in _BIDI_OVERRIDES:
            raise ValueError("must be one line without control characters")
    return text


def _visible(text: str) -> str:
    if text.isprintable() and text.strip():
        return text
    if all(unicodedata.category(character) in {"Cf", "Zs"} for character in text):
        raise ValueError("must contain a visible character")
    return text


Text = Annotated[str, AfterValidator(_without_nul)]
"""Text that every store of the stack can keep."""

Line = Annotated[str, AfterValidator(_one_line)]
"""Text on one line, safe in a header, a subject or a log."""

VisibleLine = Annotated[Line, AfterValidator(_visible)]
"""A line that is not blank to a reader: not only spaces and format characters."""

NETWORK_MAX_LENGTH = 64
DEVICE_MAX_LENGTH = 200

Network = Annotated[Line, StringConstraints(max_length=NETWORK_MAX_LENGTH)]
"""Where a request came from: an IPv4 address, an IPv6 /64, or "unknown"."""

Device = Annotated[Line, StringConstraints(max_length=DEVICE_MAX_LENGTH)]
"""What a request came from: its User-Agent, which may be empty."""

Instant = Annotated[AwareDatetime, AfterValidator(lambda at: at.astimezone(UTC))]
"""A moment in UTC; on the wire ISO 8601."""


def now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)


class PublicRequest(BaseModel):
    """A body that comes from outside: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PublicChange(PublicRequest):
    """The fields to change, at least one; an absent field is kept.

    Null empties those of `optional` and is refused elsewhere. `expected_version` is no change.
    """

    optional: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="after")
    def _changes_a_field(self) -> Self:
        changed = self.model_fields_set - {"expected_version"}
        if not changed:
            raise ValueError("name at least one field to change")
        for field in sorted(changed - self.optional):
            if getattr(self, field) is None:
                raise ValueError(f"{field} can't be emptied")
        return self


class Internal(BaseModel):
    """A body between two services: unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Response(BaseModel):
    """A response body: its readers ignore unknown fields."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, json_schema_serialization_defaults_required=True
    )


class EventPayload(BaseModel):
    """What an event says: ids and facts, never secrets. Unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)
