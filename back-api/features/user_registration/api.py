"""`/api/user-registration`."""

from fastapi import APIRouter, Request

from features.user_registration.domain import UserRegistrations
from shared.models.user import RegistrationAccepted, UserRegistration


def router(registrations: UserRegistrations) -> APIRouter:
    """Routes over `registrations`."""
    routes = APIRouter(prefix="/api/user-registration", tags=["user-registration"])

    @routes.post("", status_code=202)
    async def register(body: UserRegistration, request: Request) -> RegistrationAccepted:
        return await registrations.register(body, address=_browser_address(request))

    return routes


def _browser_address(request: Request) -> str:
    # The gateway sets the header and lets none from outside through.
    here = request.client.host if request.client else "unknown"
    return request.headers.get("x-real-ip", here)[:64]
