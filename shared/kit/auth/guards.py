"""Authentication and authorization as FastAPI security dependencies."""

from functools import cache
from typing import Annotated

from fastapi import Security
from fastapi.params import Depends as DependsParameter
from fastapi.requests import HTTPConnection
from fastapi.security import APIKeyHeader, HTTPBearer, SecurityScopes

from shared.kit.auth.service_identity import AssertionVerifier
from shared.kit.auth.user_tokens import Principal, UserVerifier
from shared.kit.contract_registry import contract_registry
from shared.kit.errors import Forbidden
from shared.kit.http.headers import ASSERTION_HEADER


@cache
def _callers_of(service: str, scope: str) -> frozenset[str]:
    return contract_registry().callers_of(service, scope)


class _ServiceAssertion(APIKeyHeader):
    """The scheme and its check in one: FastAPI resolves each dependency of its own at a cost."""

    async def __call__(self, request: HTTPConnection, scopes: SecurityScopes) -> str:  # type: ignore[override]
        verifier: AssertionVerifier = request.app.state.assertions
        caller = verifier.caller(await super().__call__(request))
        for scope in scopes.scopes:
            if caller not in _callers_of(verifier.service, scope):
                raise Forbidden(
                    f"No contract lets {caller} use {scope} of {verifier.service}.",
                    code="scope_missing",
                )
        return caller


class _UserToken(HTTPBearer):
    """The scheme and its check in one, as above."""

    async def __call__(self, request: HTTPConnection, scopes: SecurityScopes) -> Principal:  # type: ignore[override]
        verifier: UserVerifier = request.app.state.users
        credentials = await super().__call__(request)
        user = await verifier.verify(credentials.credentials if credentials else None)
        for permission in scopes.scopes:
            if permission not in user.permissions:
                raise Forbidden("Your role does not allow this.", code="permission_missing")
        return user


_calling_service = _ServiceAssertion(name=ASSERTION_HEADER, scheme_name="service", auto_error=False)
_current_user = _UserToken(scheme_name="user", bearerFormat="JWT", auto_error=False)

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
