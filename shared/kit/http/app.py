"""The FastAPI app of a service, and its OpenAPI document."""

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.routing import APIRoute
from starlette.middleware import Middleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp

from shared.kit.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    PayloadTooLarge,
    ServiceError,
    TimedOut,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
    ValidationFailed,
)
from shared.kit.http.direct_routes import DirectRoutes
from shared.kit.http.headers import IDEMPOTENCY_KEY_HEADER, REPLAYED_HEADER
from shared.kit.http.problems import MEDIA_TYPE
from shared.models.problem import Problem

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
Node = dict[str, Any]
_Possible = tuple[str, type[ServiceError], *tuple[str, ...]]

_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_REPLAYED = {
    "description": "`true` on the response to a repeat: it is the stored one of the first request.",
    "schema": {"type": "string", "const": "true"},
}


class Api(FastAPI):
    """FastAPI without redirects and pages; its document names every error of every route."""

    def __init__(self, service: str, version: str, lifespan: Lifespan | None = None) -> None:
        super().__init__(
            title=service,
            version=version,
            license_info={"name": "MIT", "identifier": "MIT"},
            servers=[{"url": "/", "description": "Where the document is served"}],
            lifespan=lifespan,
            redirect_slashes=False,
            docs_url=None,
            redoc_url=None,
            # No provider is installed; looking for one is 4 % of a request.
            telemetry={"tracing": False, "metrics": False, "logs": False},
            generate_unique_id_function=operation_id,
        )

    def include_router(
        self,
        router: APIRouter,
        **options: Any,  # noqa: ANN401 - those of FastAPI
    ) -> None:
        """As FastAPI does, which makes each route again to merge `options` into it.

        Without options that is half of the time to make an app, so the routes are taken as they
        are. A router has no lifespan of its own here: resources belong to the service.
        """
        if options or not all(isinstance(it, Route | WebSocketRoute) for it in router.routes):
            super().include_router(router, **options)
            return
        for route in router.routes:
            if isinstance(route, APIRoute):
                route.unique_id = operation_id(route)
            self.router.routes.append(route)

    def build_middleware_stack(self) -> ASGIApp:
        """FastAPI's, without the layers that have nothing to do here.

        `RequestContext` answers what nobody handles, telemetry is off, and the kit limits bodies.
        """
        layers = [
            *self.user_middleware,
            Middleware(ExceptionMiddleware, handlers=self.exception_handlers),
            Middleware(AsyncExitStackMiddleware),
            Middleware(DirectRoutes, routes=self.router.routes),
        ]
        app: ASGIApp = self.router
        for layer, args, kwargs in reversed(layers):
            app = layer(app, *args, **kwargs)
        return app

    def openapi(self) -> Node:
        """FastAPI's document without its own shape of 422, and with every error of the kit.

        What a route declares of its own for the same status stays beside them.
        """
        if self.openapi_schema is None:
            document = super().openapi()
            document.setdefault("security", [])
            components = document.setdefault("components", {})
            schemas = components.setdefault("schemas", {})
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            del problem["properties"]["errors"]["default"]
            schemas |= problem.pop("$defs") | {"Problem": problem}
            components["schemas"] = dict(sorted(schemas.items()))
            shared = components.setdefault("responses", {})
            for path, methods in document["paths"].items():
                for operation in methods.values():
                    _name_errors(operation, shared, health=path.startswith("/health"))
        return super().openapi()


def operation_id(route: APIRoute) -> str:
    """`POST /users/{user_id}/revoke` is `post_users_user_id_revoke`, whatever the function is."""
    method = min(route.methods or {"GET"}).lower()
    words = "".join(it if it.isalnum() else " " for it in route.path_format).split()
    return "_".join([method, *words])


def error_response(error: type[ServiceError], *codes: str) -> Node:
    """The response object of an error: problem+json, with an example for each code."""
    return {
        "description": f"{error.title}: {' or '.join(f'`{code}`' for code in codes)}",
        "content": {
            MEDIA_TYPE: {
                "schema": _PROBLEM,
                "examples": {code: {"value": _example(error, code)} for code in codes},
            }
        },
    }


def partial_response(media_type: str) -> Node:
    """The response object of 206: a part of an answer of this type."""
    return {
        "description": "Partial Content",
        "content": {media_type: {"schema": {"type": "string"}}},
    }


def _name_errors(operation: Node, shared: Node, *, health: bool) -> None:
    responses = operation["responses"]
    if "application/json" in responses.get("422", {}).get("content", {}):
        del responses["422"]
    for name, error, *codes in _possible(operation, health=health):
        status = str(error.status)
        if status in responses:
            own = responses[status]["content"][MEDIA_TYPE]["examples"]
            responses[status] = error_response(error, *dict.fromkeys([*own, *codes]))
        else:
            shared.setdefault(name, error_response(error, *codes))
            responses[status] = {"$ref": f"#/components/responses/{name}"}
    if _takes_key(operation):
        for status, answer in responses.items():
            if status.startswith("2"):
                answer["headers"] = {REPLAYED_HEADER: _REPLAYED}
    operation["responses"] = dict(sorted(responses.items()))


def _takes_key(operation: Node) -> bool:
    return any(it["name"] == IDEMPOTENCY_KEY_HEADER for it in operation.get("parameters", []))


def _possible(operation: Node, *, health: bool) -> Iterator[_Possible]:
    guards = {name: scopes for it in operation.get("security", []) for name, scopes in it.items()}
    yield "PayloadTooLarge", PayloadTooLarge, "payload_too_large"
    yield from _possible_of_input(operation)
    if "service" in guards:
        yield "CallerNotAuthenticated", Unauthenticated, "assertion_missing", "assertion_refused"
        yield "ScopeMissing", Forbidden, "scope_missing"
    elif not health:
        yield "TooManyRequests", TooManyRequests, "too_many_requests"
    if "user" in guards:
        yield (
            "UserNotAuthenticated",
            Unauthenticated,
            *("token_missing", "token_refused", "session_revoked"),
        )
    if guards.get("user"):
        yield "PermissionMissing", Forbidden, "permission_missing"
    if health:
        yield "NotReady", Unavailable, "not_ready"
    else:
        yield "Unavailable", Unavailable, "unavailable", "overloaded"
    yield "TimedOut", TimedOut, "timed_out"


def _possible_of_input(operation: Node) -> Iterator[_Possible]:
    keyed = _takes_key(operation)
    if "requestBody" in operation:
        if keyed:
            codes = ("malformed_json", "idempotency_key_invalid")
            yield "MalformedBodyOrKey", InvalidRequest, *codes
        else:
            yield "MalformedBody", InvalidRequest, "malformed_json"
        yield "UnsupportedMediaType", UnsupportedMediaType, "unsupported_media_type"
    elif keyed:
        yield "MalformedKey", InvalidRequest, "idempotency_key_invalid"
    if keyed:
        yield "RequestInProgress", Conflict, "request_in_progress"
        codes = ("validation_failed", "idempotency_key_reused")
        yield "ValidationFailedOrKeyReused", ValidationFailed, *codes
    elif "requestBody" in operation or operation.get("parameters"):
        yield "ValidationFailed", ValidationFailed, "validation_failed"


def _example(error: type[ServiceError], code: str) -> Node:
    problem = Problem(
        type=f"urn:tools-dashboard:problem:{code}",
        title=error.title,
        status=error.status,
        detail=f"{code.replace('_', ' ').capitalize()}.",
        instance="/",
        code=code,
        correlation_id="0" * 32,
    )
    return problem.model_dump(exclude_none=True)
