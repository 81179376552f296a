"""Preferences of notifications, and whom a notification goes to."""

from uuid import UUID

from fastapi import APIRouter, Response

from repositories.preference_repository import PreferenceRepository
from routes.command_responses import as_response
from shared.kit.auth.guards import calls_with_scope
from shared.kit.errors import InvalidRequest
from shared.models.event import Command, Recorded
from shared.models.notification import (
    DueDigests,
    FindDueDigests,
    Recipient,
    RecordDigest,
    StoredPreferences,
    WritePreferences,
)


def router(preferences: PreferenceRepository) -> APIRouter:
    router = APIRouter(tags=["notifications"])

    @router.get("/users/{user_id}/recipient", dependencies=[calls_with_scope("recipients:read")])
    async def read_recipient(user_id: UUID) -> Recipient:
        return await preferences.recipient(user_id)

    @router.put(
        "/users/{user_id}/notification-preferences",
        response_model=StoredPreferences,
        dependencies=[calls_with_scope("preferences:write")],
    )
    async def replace_preferences(user_id: UUID, command: Command[WritePreferences]) -> Response:
        if command.data.user_id != user_id:
            raise InvalidRequest("The path and the body name different users.")
        return as_response(await preferences.replace(command))

    sending = [calls_with_scope("digests:send")]

    @router.post("/digests/due", dependencies=sending)
    async def find_due_digests(wanted: FindDueDigests) -> DueDigests:
        return await preferences.due_digests(wanted)

    @router.post("/digests", status_code=201, response_model=Recorded, dependencies=sending)
    async def record_digest(command: Command[RecordDigest]) -> Response:
        return as_response(await preferences.record_digest(command))

    return router
