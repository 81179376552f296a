"""Errors of services. `shared.kit.http.problems` alone turns them into HTTP responses.

ServiceError
  InvalidRequest 400      Unauthenticated 401     Forbidden 403
  NotFound 404            Conflict 409            Gone 410
  PayloadTooLarge 413     UnsupportedMediaType 415
  ValidationFailed 422    RuleViolated 422        TooManyRequests 429
  Unavailable 503         TimedOut 504
    CallFailed 503        Overloaded 503
"""

from collections.abc import Sequence
from typing import ClassVar

from shared.models.problem import FieldError


class ServiceError(Exception):
    """An error whose text may be sent to the caller.

    `detail` is a sentence for people, `code` a stable identifier for programs. `retried` is set
    where a call to another service failed for good, so that no caller repeats it.
    """

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    default_code: ClassVar[str] = "internal_error"

    def __init__(
        self,
        detail: str | None = None,
        *,
        code: str | None = None,
        errors: Sequence[FieldError] | None = None,
        retry_after: float | None = None,
        retried: bool = False,
    ) -> None:
        self.detail = detail or self.title
        self.code = code or self.default_code
        self.errors = errors
        self.retry_after = retry_after
        self.retried = retried
        super().__init__(f"{self.code}: {self.detail}")


class InvalidRequest(ServiceError):
    """The request is malformed."""

    status = 400
    title = "Invalid request"
    default_code = "invalid_request"


class Unauthenticated(ServiceError):
    """The caller is not authenticated."""

    status = 401
    title = "Not authenticated"
    default_code = "unauthenticated"


class Forbidden(ServiceError):
    """The caller is authenticated and has no permission."""

    status = 403
    title = "Not allowed"
    default_code = "forbidden"


class NotFound(ServiceError):
    """The resource does not exist, or the caller may not see it."""

    status = 404
    title = "Not found"
    default_code = "not_found"


class Conflict(ServiceError):
    """The request conflicts with the current state."""

    status = 409
    title = "Conflict"
    default_code = "conflict"


class Gone(ServiceError):
    """The resource existed, and does not any more."""

    status = 410
    title = "Gone"
    default_code = "gone"


class PayloadTooLarge(ServiceError):
    """The body is larger than the limit."""

    status = 413
    title = "Payload too large"
    default_code = "payload_too_large"


class UnsupportedMediaType(ServiceError):
    """The body has a content type that is not supported."""

    status = 415
    title = "Unsupported media type"
    default_code = "unsupported_media_type"


class ValidationFailed(ServiceError):
    """Fields of the request are invalid; `errors` says which and why."""

    status = 422
    title = "Validation failed"
    default_code = "validation_failed"


class RuleViolated(ServiceError):
    """The request is valid, but a business rule forbids it."""

    status = 422
    title = "Rule violated"
    default_code = "rule_violated"


class TooManyRequests(ServiceError):
    """The caller must wait `retry_after` seconds."""

    status = 429
    title = "Too many requests"
    default_code = "too_many_requests"


class Unavailable(ServiceError):
    """A dependency can't be reached at present."""

    status = 503
    title = "Temporarily unavailable"
    default_code = "unavailable"


class Overloaded(Unavailable):
    """A service holds as many requests as it can: it refused this one before any work."""

    default_code = "overloaded"

    def __init__(self, detail: str | None = None) -> None:
        # Whoever repeats a refused request at once adds to the load that it was refused for.
        detail = detail or "More requests arrive than can be answered; wait as Retry-After says."
        super().__init__(detail, retry_after=1, retried=True)


class CallFailed(Unavailable):
    """A dependency answered with an error that our caller can't act on.

    `callee_status` is the HTTP status of the answer, `callee_code` the code of its problem.
    """

    def __init__(
        self,
        detail: str,
        *,
        callee_status: int,
        callee_code: str | None = None,
        retry_after: float | None = None,
        retried: bool = False,
    ) -> None:
        super().__init__(detail, retry_after=retry_after, retried=retried)
        self.callee_status = callee_status
        self.callee_code = callee_code


class TimedOut(ServiceError):
    """A dependency took too long; whether it acted is not known."""

    status = 504
    title = "Timed out"
    default_code = "timed_out"


ERRORS_BY_STATUS: dict[int, type[ServiceError]] = {
    400: InvalidRequest,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    413: PayloadTooLarge,
    415: UnsupportedMediaType,
    422: RuleViolated,
    429: TooManyRequests,
    503: Unavailable,
    504: TimedOut,
}
"""The error class of each HTTP status that carries problem details."""
