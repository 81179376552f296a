"""A user's profile."""

from functools import cache
from typing import Annotated
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, StringConstraints

from shared.models.base import (
    EventPayload,
    Instant,
    Internal,
    Line,
    PublicChange,
    PublicRequest,
    Response,
    VisibleLine,
)

NAME_MAX_LENGTH = 100
LANGUAGES = ("en", "es")


@cache
def _timezones() -> frozenset[str]:
    """They are six hundred files to open, for a process that may never need them."""
    return frozenset(available_timezones())


def _known_timezone(name: str) -> str:
    if name not in _timezones():
        raise ValueError("must be a time zone of the IANA database, like Europe/Madrid")
    return name


Name = Annotated[
    VisibleLine, StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_MAX_LENGTH)
]
Language = Annotated[str, StringConstraints(pattern=rf"^({'|'.join(LANGUAGES)})$")]
Timezone = Annotated[Line, StringConstraints(max_length=64), AfterValidator(_known_timezone)]


class ProfileCreate(PublicRequest):
    """A new profile; only the names are required."""

    first_name: Name
    last_name: Name
    display_name: Name | None = None
    company: Name | None = None
    job_title: Name | None = None
    language: Language = "en"
    timezone: Timezone = "UTC"


class ProfileUpdate(PublicChange):
    """The fields to change. An absent field is kept; null clears an optional one."""

    optional = frozenset({"display_name", "company", "job_title"})

    first_name: Name | None = None
    last_name: Name | None = None
    display_name: Name | None = None
    company: Name | None = None
    job_title: Name | None = None
    language: Language | None = None
    timezone: Timezone | None = None


class ProfileFields(Internal):
    """The fields that a user edits."""

    first_name: Name
    last_name: Name
    display_name: Name | None = None
    company: Name | None = None
    job_title: Name | None = None
    language: Language
    timezone: Timezone


class StoredProfile(ProfileFields):
    """A stored profile."""

    id: UUID
    user_id: UUID
    completion: int = Field(ge=0, le=100)
    version: int
    created_at: Instant
    updated_at: Instant


class WriteProfile(ProfileFields):
    """A whole profile to store, with the completion that back-api computed."""

    profile_id: UUID
    user_id: UUID
    completion: int = Field(ge=0, le=100)


class Profile(Response):
    """A profile as its user sees it; `completion` is a percentage."""

    id: UUID
    user_id: UUID
    first_name: str
    last_name: str
    display_name: str | None
    company: str | None
    job_title: str | None
    language: str
    timezone: str
    completion: int
    created_at: Instant
    updated_at: Instant


class ProfileCreated(EventPayload):
    """`profile.created`."""

    user_id: UUID
    profile_id: UUID
    completion: int


class ProfileUpdated(EventPayload):
    """`profile.updated`, with the names of the fields that changed."""

    user_id: UUID
    profile_id: UUID
    completion: int
    changed: list[str]
