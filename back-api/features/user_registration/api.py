"""`/api/user-registration`."""

from fastapi import APIRouter, Request

from features.user_registration.domain import UserRegistrations
from shared.kit.http.network import client_network
from shared.models.registration import RegistrationAccepted, UserRegistration


def router(registrations: UserRegistrations) -> APIRouter:
    """Routes over `registrations`."""
    routes = APIRouter(prefix="/api/user-registration", tags=["user-registration"])

    @routes.post("", status_code=202)
    async def register(body: UserRegistration, request: Request) -> RegistrationAccepted:
        return await registrations.register(body, network=client_network(request))

    return routes
