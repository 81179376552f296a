"""Turns the response of another service into a model or an error."""

from typing import TypeVar

import structlog
from pydantic import BaseModel, ValidationError

from shared.kit.errors import (
    ERRORS_BY_STATUS,
    CallFailed,
    Overloaded,
    ServiceError,
    TimedOut,
    Unavailable,
)
from shared.kit.http.headers import OVERLOADED_HEADER
from shared.kit.http.transport import Reply
from shared.models.problem import Problem

log = structlog.get_logger()

ResponseModel = TypeVar("ResponseModel", bound=BaseModel)

_PASSED_ON = frozenset({400, 404, 409, 410, 413, 415, 422, 429})
_OUR_MISTAKE = frozenset({"validation_failed", "malformed_json"})


def parse_reply(
    callee: str, reply: Reply, response_model: type[ResponseModel] | None
) -> ResponseModel | None:
    """The body as `response_model`, or None without one.

    Raises the error of a problem; CallFailed where the callee refuses the call itself, answers a
    server error, or does not match the contract; TimedOut where it timed out.
    """
    if reply.status >= 500:
        raise server_error(callee, reply)
    if reply.status >= 400:
        raise _client_error(callee, reply)
    if response_model is None:
        return None
    try:
        return response_model.model_validate_json(reply.body)
    except ValidationError as error:
        log.error(  # noqa: TRY400  (the traceback would quote the response)
            "unexpected_response",
            callee=callee,
            model=response_model.__name__,
            errors=[f"{e['loc']}: {e['type']}" for e in error.errors(include_input=False)],
        )
        raise CallFailed(
            f"{callee} answered in a way that the contract does not allow.",
            callee_status=reply.status,
        ) from None


def server_error(callee: str, reply: Reply) -> ServiceError:
    """The error of a 5xx response."""
    if reply.status == 504:
        return TimedOut(f"{callee} did not finish in time.", retried=True)
    problem = _problem(reply)
    if reply.status == 503 and OVERLOADED_HEADER.lower() in reply.headers:
        return Overloaded(f"{callee} can't hold more requests at present.")
    return CallFailed(
        f"{callee} can't be reached at present.",
        callee_status=reply.status,
        callee_code=problem.code if problem else None,
        retry_after=1,
        retried=True,
    )


def unavailable(callee: str) -> Unavailable:
    """The error of a callee that can't be reached."""
    return Unavailable(f"{callee} can't be reached at present.", retry_after=1, retried=True)


def _client_error(callee: str, reply: Reply) -> ServiceError:
    problem = _problem(reply)
    if problem is None or reply.status not in _PASSED_ON or problem.code in _OUR_MISTAKE:
        log.error(
            "call_refused",
            callee=callee,
            status=reply.status,
            code=problem.code if problem else None,
            errors=[e.pointer + " " + e.message for e in (problem and problem.errors) or []],
        )
        return CallFailed(
            f"{callee} refused a call of ours.",
            callee_status=reply.status,
            callee_code=problem.code if problem else None,
        )
    retry_after = reply.headers.get("retry-after", "")
    return ERRORS_BY_STATUS[reply.status](
        problem.detail,
        code=problem.code,
        retry_after=float(retry_after) if retry_after.isdigit() else None,
    )


def _problem(reply: Reply) -> Problem | None:
    try:
        return Problem.model_validate_json(reply.body)
    except ValidationError:
        return None
