"""The confirmation of an address, and the token for the mail that asks for it."""

from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request, status
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import Headers
from starlette.routing import Match
from starlette.types import Scope

from features.email_verification.domain import MailTokenService
from features.email_verification.page import confirmation_page, confirmed_page, refused_page
from shared.kit.auth.guards import calls_with_scope
from shared.kit.errors import InvalidRequest, ServiceError, Unauthenticated
from shared.models.auth import MailToken, MintMailToken
from shared.models.registration import EmailVerified, MailTokenText, VerifyEmail
from shared.models.user import PasswordAttempt

FORM_MEDIA_TYPE = "application/x-www-form-urlencoded"
PATH = "/auth/verify-email"

_TOKEN = TypeAdapter[str](MailTokenText)
_PASSWORD = TypeAdapter[str](PasswordAttempt)


class FormRoute(APIRoute):
    """A route that matches only urlencoded forms, which browsers post without JavaScript."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        media_type = Headers(scope=scope).get("content-type", "").partition(";")[0]
        if scope.get("method") == "POST" and media_type.strip().lower() == FORM_MEDIA_TYPE:
            return super().matches(scope)
        return Match.NONE, {}


def router(tokens: MailTokenService) -> APIRouter:
    routes = APIRouter(tags=["mail tokens"])

    @routes.get(PATH, response_class=HTMLResponse)
    async def show_confirmation(token: Annotated[str, Query()] = "") -> HTMLResponse:
        try:
            return confirmation_page(_complete(token))
        except InvalidRequest as error:
            return refused_page(error)

    async def confirm_by_form(request: Request) -> HTMLResponse:
        form = parse_qs((await request.body()).decode(errors="replace"))
        token, password = (form.get(name, [""])[0] for name in ("token", "password"))
        try:
            await tokens.verify_email(_complete(token), _typed(password))
        except Unauthenticated as wrong_password:
            return confirmation_page(token, wrong_password)
        except ServiceError as error:
            return refused_page(error)
        return confirmed_page()

    routes.add_api_route(
        PATH,
        confirm_by_form,
        methods=["POST"],
        response_class=HTMLResponse,
        route_class_override=FormRoute,
        include_in_schema=False,
    )

    @routes.post(PATH)
    async def confirm(body: VerifyEmail) -> EmailVerified:
        return await tokens.verify_email(body.token, body.password)

    @routes.post(
        "/internal/mail-tokens",
        status_code=status.HTTP_201_CREATED,
        dependencies=[calls_with_scope("mail-tokens:mint")],
    )
    async def mint(wanted: MintMailToken) -> MailToken:
        return await tokens.mint(wanted.user_id, wanted.purpose, wanted.event_id)

    return routes


def _complete(token: str) -> str:
    try:
        return _TOKEN.validate_python(token)
    except ValidationError:
        raise InvalidRequest(
            "The link is not complete. Copy it from the mail as a whole.",
            code="verification_token_invalid",
        ) from None


def _typed(password: str) -> str:
    try:
        return _PASSWORD.validate_python(password)
    except ValidationError:
        raise Unauthenticated(
            "Type the password that you registered with.", code="invalid_credentials"
        ) from None
