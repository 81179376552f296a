"""Registrations, and their confirmation with a mail token."""

from uuid import UUID

from fastapi import APIRouter, Response

from repositories.mail_token_repository import MailTokenRepository
from repositories.registration_repository import RegistrationRepository
from routes.command_responses import as_response
from shared.kit.auth.guards import calls_with_scope
from shared.models.event import Command
from shared.models.registration import (
    ConfirmRegistration,
    NewRegistration,
    Registration,
    RegistrationStored,
    SweepRegistrations,
)
from shared.models.user import Swept, User


def router(registrations: RegistrationRepository, mail_tokens: MailTokenRepository) -> APIRouter:
    router = APIRouter(tags=["registrations"])

    @router.post(
        "/registrations",
        status_code=201,
        response_model=RegistrationStored,
        dependencies=[calls_with_scope("registrations:write")],
    )
    async def create_registration(command: Command[NewRegistration]) -> Response:
        return as_response(await registrations.create(command))

    @router.get("/registrations/{user_id}", dependencies=[calls_with_scope("registrations:read")])
    async def read_registration(user_id: UUID) -> Registration:
        return await registrations.by_id(user_id)

    @router.post(
        "/email-verifications",
        response_model=User,
        dependencies=[calls_with_scope("users:verify")],
    )
    async def confirm_registration(command: Command[ConfirmRegistration]) -> Response:
        return as_response(await registrations.confirm(command))

    @router.post("/registrations/sweep", dependencies=[calls_with_scope("registrations:sweep")])
    async def sweep_registrations(wanted: SweepRegistrations) -> Swept:
        await mail_tokens.sweep(wanted.older_than_seconds)
        return Swept(removed=await registrations.sweep())

    return router
