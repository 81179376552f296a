"""Authentication and authorization as FastAPI security dependencies."""

from typing import Annotated

from fastapi import Security
from fastapi.params import Depends as DependsParameter
from fastapi.requests import HTTPConnection
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from shared.kit.auth.service_identity import AssertionVerifier
from shared.kit.auth.user_tokens import Principal, UserVerifier
from shared.kit.contract_registry import contract_registry
from shared.kit.errors import Forbidden
from shared.kit.http.headers import ASSERTION_HEADER

_assertion = APIKeyHeader(name=ASSERTION_HEADER, scheme_name="service", auto_error=False)
_bearer = HTTPBearer(scheme_name="user", bearerFormat="JWT", auto_error=False)


async def _calling_service(
    connection: HTTPConnection,
    scopes: SecurityScopes,
    assertion: Annotated[str | None, Security(_assertion)],
) -> str:
    verifier: AssertionVerifier = connection.app.state.assertions
    caller = verifier.caller(assertion)
    for scope in scopes.scopes:
        if caller not in contract_registry().callers_of(verifier.service, scope):
            raise Forbidden(
                f"No contract lets {caller} use {scope} of {verifier.service}.",
                code="scope_missing",
            )
    return caller


async def _current_user(
    connection: HTTPConnection,
    scopes: SecurityScopes,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Principal:
    verifier: UserVerifier = connection.app.state.users
    user = await verifier.verify(credentials.credentials if credentials else None)
    for permission in scopes.scopes:
        if permission not in user.permissions:
            raise Forbidden("Your role does not allow this.", code="permission_missing")
    return user


CallingService = Annotated[str, Security(_calling_service)]
"""The name of the calling service, from its assertion."""

CurrentUser = Annotated[Principal, Security(_current_user)]
"""The authenticated user, from a verified access token."""


def calls_with_scope(scope: str) -> DependsParameter:
    """Require a service that a contract grants `scope` here: 401 or 403 otherwise."""
    parameter: DependsParameter = Security(_calling_service, scopes=[scope])
    return parameter


def current_user() -> DependsParameter:
    """Require a user with a valid token, for routes that don't use who it is."""
    parameter: DependsParameter = Security(_current_user)
    return parameter


def user_with_permission(permission: str) -> DependsParameter:
    """Require a user whose token grants `permission`: 401 or 403 otherwise."""
    parameter: DependsParameter = Security(_current_user, scopes=[permission])
    return parameter
