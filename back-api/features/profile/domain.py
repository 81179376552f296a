"""The rules of a profile."""

from typing import Protocol
from uuid import UUID, uuid4, uuid5

from shared.kit.http.context import correlation_id
from shared.kit.stale_writes import again_when_stale
from shared.models.event import Command
from shared.models.profile import (
    Profile,
    ProfileCreate,
    ProfileCreated,
    ProfileFields,
    ProfileUpdate,
    ProfileUpdated,
    StoredProfile,
    WriteProfile,
)

COUNTED = ("first_name", "last_name", "display_name", "company", "job_title")
"""The fields that make a profile complete, each the same share."""


class ProfileStore(Protocol):
    """Stores one profile for each user."""

    async def get(self, user_id: UUID) -> StoredProfile:
        """Raises NotFound `profile_not_found`."""

    async def create(self, command: Command[WriteProfile]) -> StoredProfile:
        """Raises Conflict `profile_exists`, `command_reused`."""

    async def replace(self, command: Command[WriteProfile]) -> StoredProfile:
        """Raises NotFound `profile_not_found`, Conflict `stale_version`."""


def completion(fields: ProfileFields) -> int:
    """How complete a profile is, in percent."""
    filled = sum(1 for name in COUNTED if getattr(fields, name))
    return round(100 * filled / len(COUNTED))


class Profiles:
    """Each user's own profile."""

    def __init__(self, store: ProfileStore) -> None:
        self._store = store

    async def read(self, user_id: UUID) -> Profile:
        """Raises NotFound `profile_not_found`."""
        return _public(await self._store.get(user_id))

    async def create(
        self, user_id: UUID, profile: ProfileCreate, command_id: UUID | None = None
    ) -> Profile:
        """Create the profile of a user; a repeated `command_id` gives the same one.

        Raises:
            Conflict: `profile_exists`, a user has one profile; `command_reused`, the command
                had other content.
        """
        command_id = command_id or uuid4()
        fields = ProfileFields.model_validate(profile.model_dump())
        written = _written(uuid5(command_id, "profile"), user_id, fields)
        command = Command.with_event(
            "profile.created",
            ProfileCreated(
                user_id=user_id, profile_id=written.profile_id, completion=written.completion
            ),
            data=written,
            command_id=command_id,
            aggregate_id=written.profile_id,
            correlation_id=correlation_id(),
        )
        return _public(await self._store.create(command))

    async def update(self, user_id: UUID, update: ProfileUpdate) -> Profile:
        """Change the fields that `update` names and keep all others.

        Raises:
            NotFound: `profile_not_found`.
            Conflict: `stale_version`, after three attempts that met concurrent changes.
        """
        return await again_when_stale(lambda: self._update_once(user_id, update))

    async def _update_once(self, user_id: UUID, update: ProfileUpdate) -> Profile:
        stored = await self._store.get(user_id)
        asked = update.model_dump(include=update.model_fields_set)
        changed = sorted(name for name, value in asked.items() if getattr(stored, name) != value)
        if not changed:
            return _public(stored)
        fields = ProfileFields.model_validate(stored.model_dump() | asked)
        written = _written(stored.id, user_id, fields)
        command = Command.with_event(
            "profile.updated",
            ProfileUpdated(
                user_id=user_id,
                profile_id=stored.id,
                completion=written.completion,
                changed=changed,
            ),
            data=written,
            aggregate_id=stored.id,
            expected_version=stored.version,
            correlation_id=correlation_id(),
        )
        return _public(await self._store.replace(command))


def _written(profile_id: UUID, user_id: UUID, fields: ProfileFields) -> WriteProfile:
    return WriteProfile(
        **fields.model_dump(),
        profile_id=profile_id,
        user_id=user_id,
        completion=completion(fields),
    )


def _public(stored: StoredProfile) -> Profile:
    return Profile.model_validate(stored.model_dump())
