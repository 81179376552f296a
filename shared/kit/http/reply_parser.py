"""What the answer of another service means to the one that asked."""

from typing import TypeVar

import structlog
from pydantic import BaseModel, ValidationError

from shared.kit.errors import ERRORS_BY_STATUS, ServiceError, TimedOut, Unavailable
from shared.kit.http.transport import Reply
from shared.models.problem import Problem

log = structlog.get_logger()

ResponseModel = TypeVar("ResponseModel", bound=BaseModel)

_PASSED_ON = frozenset({400, 404, 409, 413, 415, 422, 429})
_OUR_MISTAKE = frozenset({"validation_failed", "malformed_json"})


def read_reply(
    callee: str, reply: Reply, response_model: type[ResponseModel] | None
) -> ResponseModel | None:
    """The body as `response_model`, or None where none is asked for.

    Raises the meaning of a problem; Unavailable where the callee refuses the call itself, can't
    serve, or answers something else than was agreed; TimedOut where it gave up in time.
    """
    if reply.status >= 500:
        raise fault_of(callee, reply)
    if reply.status >= 400:
        raise _meaning_of(callee, reply)
    if response_model is None:
        return None
    try:
        return response_model.model_validate_json(reply.body)
    except ValidationError as error:
        log.error(  # noqa: TRY400  (the traceback would quote the answer)
            "unexpected_response",
            callee=callee,
            model=response_model.__name__,
            errors=[f"{e['loc']}: {e['type']}" for e in error.errors(include_input=False)],
        )
        raise Unavailable(f"{callee} answered in a way that was not agreed.") from None


def fault_of(callee: str, reply: Reply) -> ServiceError:
    """What a 5xx of the callee means."""
    if reply.status == 504:
        return TimedOut(f"{callee} did not finish in time.")
    return unavailable(callee)


def unavailable(callee: str) -> Unavailable:
    """The callee can't be reached, or can't serve."""
    return Unavailable(f"{callee} can't be reached at present.", retry_after=1)


def _meaning_of(callee: str, reply: Reply) -> ServiceError:
    try:
        problem = Problem.model_validate_json(reply.body)
    except ValidationError:
        problem = None
    if problem is None or reply.status not in _PASSED_ON or problem.code in _OUR_MISTAKE:
        log.error(
            "call_refused",
            callee=callee,
            status=reply.status,
            code=problem.code if problem else None,
            errors=[e.pointer + " " + e.message for e in (problem and problem.errors) or []],
        )
        return Unavailable(f"{callee} refused a call of ours.")
    retry_after = reply.headers.get("retry-after", "")
    return ERRORS_BY_STATUS[reply.status](
        problem.detail,
        code=problem.code,
        retry_after=float(retry_after) if retry_after.isdigit() else None,
    )
