"""Events without another write."""

from fastapi import APIRouter, Response

from repositories.command_repository import CommandRepository
from routes.command_responses import as_response
from shared.kit.auth.guards import calls_with_scope
from shared.models.event import Command, Nothing, Recorded


def router(commands: CommandRepository) -> APIRouter:
    router = APIRouter(tags=["events"], dependencies=[calls_with_scope("events:write")])

    @router.post("/events", status_code=201, response_model=Recorded)
    async def record_events(command: Command[Nothing]) -> Response:
        return as_response(await commands.record_events(command))

    return router
