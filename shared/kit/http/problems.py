"""Turns errors into HTTP responses: RFC 9457 problem details."""

import json
import math
from collections.abc import Sequence
from http import HTTPStatus
from typing import TypedDict, TypeVar

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException  # noqa: TID251 - Starlette's own become problems here
from starlette.responses import Response

from shared.kit.errors import (
    ERRORS_BY_STATUS,
    InvalidRequest,
    NotFound,
    ServiceError,
    UnsupportedMediaType,
    ValidationFailed,
)
from shared.kit.http.context import correlation_id
from shared.kit.http.headers import RETRIED_HEADER
from shared.models.problem import FieldError, Problem

log = structlog.get_logger()

Kind = TypeVar("Kind", bound=Exception)

MEDIA_TYPE = "application/problem+json"


class _FieldMistake(TypedDict):
    type: str
    loc: Sequence[str | int]
    msg: str


def problem_response(error: ServiceError, instance: str) -> Response:
    """The response for `error`; `instance` is the path of the request."""
    body = problem_of(error, instance, correlation_id())
    headers = {"Cache-Control": "no-store"}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if error.retried:
        headers[RETRIED_HEADER] = "true"
    return Response(body, error.status, headers, MEDIA_TYPE)


def problem_of(error: ServiceError, instance: str, correlation: str) -> str:
    """The JSON text for `error`, in ASCII: text quoted from a request may have no UTF-8 form."""
    problem = Problem(
        type=f"urn:tools-dashboard:problem:{error.code}",
        title=error.title,
        status=error.status,
        detail=error.detail,
        instance=instance,
        code=error.code,
        correlation_id=correlation,
        errors=list(error.errors) if error.errors is not None else None,
    )
    return json.dumps(problem.model_dump(exclude_none=True), ensure_ascii=True)


def _pointer(location: Sequence[str | int]) -> str:
    parts = location[1:] if location and location[0] == "body" else location
    return "".join("/" + str(p).replace("~", "~0").replace("/", "~1") for p in parts)


def validation_error(error: RequestValidationError, content_type: str) -> ServiceError:
    """The error of an invalid request. The input is never quoted: it may be a secret."""
    mistakes: Sequence[_FieldMistake] = error.errors()
    kinds = {mistake["type"] for mistake in mistakes}
    if "json_invalid" in kinds:
        return InvalidRequest("The body is not valid JSON.", code="malformed_json")
    not_an_object = any(
        mistake["type"] in {"model_attributes_type", "dict_type"} and len(mistake["loc"]) == 1
        for mistake in mistakes
    )
    if not_an_object and "json" not in content_type:
        return UnsupportedMediaType("Send the body as application/json.")
    return ValidationFailed(
        "The request is not as agreed; see errors.",
        errors=[
            FieldError(
                pointer=_pointer(mistake["loc"]),
                message=mistake["msg"].removeprefix("Value error, "),
                code=mistake["type"],
            )
            for mistake in mistakes
        ],
    )


def install_problems(api: FastAPI) -> None:
    """Answer every error of `api` with problem+json."""

    async def service_error(request: Request, error: Exception) -> Response:
        typed_error = _of(ServiceError, error)
        if typed_error.status >= 500 and not request.url.path.startswith("/health"):
            log.warning("request_failed", code=typed_error.code, detail=typed_error.detail)
        return problem_response(typed_error, request.url.path)

    async def invalid(request: Request, error: Exception) -> Response:
        refused = _of(RequestValidationError, error)
        typed_error = validation_error(refused, request.headers.get("content-type", ""))
        return problem_response(typed_error, request.url.path)

    async def http(request: Request, error: Exception) -> Response:
        raised = _of(HTTPException, error)
        if raised.status_code == 404:
            return problem_response(NotFound("There is nothing here."), request.url.path)
        if isinstance(raised.__cause__, ServiceError):
            return problem_response(raised.__cause__, request.url.path)
        if raised.status_code == 400:
            unreadable = InvalidRequest("The body can't be read.", code="malformed_json")
            return problem_response(unreadable, request.url.path)
        typed_error = _other(raised.status_code)
        response = problem_response(typed_error, request.url.path)
        for name, value in (raised.headers or {}).items():
            response.headers[name] = value
        return response

    api.add_exception_handler(ServiceError, service_error)
    api.add_exception_handler(RequestValidationError, invalid)
    api.add_exception_handler(HTTPException, http)


def _of(kind: type[Kind], error: Exception) -> Kind:
    if not isinstance(error, kind):
        raise TypeError(f"a handler of {kind.__name__} was given {type(error).__name__}")
    return error


def _other(status: int) -> ServiceError:
    if status in ERRORS_BY_STATUS:
        return ERRORS_BY_STATUS[status]()
    phrase = HTTPStatus(status).phrase
    typed_error = ServiceError(f"{phrase}.", code=phrase.lower().replace(" ", "_"))
    # A status without a class of its own (405, 406, …) keeps its number and phrase.
    typed_error.__dict__.update(status=status, title=phrase)
    return typed_error
