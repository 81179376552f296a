"""What can go wrong, as meanings. They become HTTP in `shared.kit.http.problems` alone.

ServiceError
  InvalidRequest 400      Unauthenticated 401     Forbidden 403
  NotFound 404            Conflict 409            PayloadTooLarge 413
  UnsupportedMediaType 415
  ValidationFailed 422    RuleViolated 422        TooManyRequests 429
  Unavailable 503         TimedOut 504
"""

from collections.abc import Sequence
from typing import ClassVar

from shared.models.problem import FieldError


class ServiceError(Exception):
    """Something that the caller can be told.

    `detail` is a sentence for people, `code` the stable word for programs.
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
    ) -> None:
        self.detail = detail or self.title
        self.code = code or self.default_code
        self.errors = errors
        self.retry_after = retry_after
        super().__init__(f"{self.code}: {self.detail}")


class InvalidRequest(ServiceError):
    """The request can't be read as what it claims to be."""

    status = 400
    title = "Invalid request"
    default_code = "invalid_request"


class Unauthenticated(ServiceError):
    """It is not known who asks."""

    status = 401
    title = "Not authenticated"
    default_code = "unauthenticated"


class Forbidden(ServiceError):
    """It is known who asks, and that they may not."""

    status = 403
    title = "Not allowed"
    default_code = "forbidden"


class NotFound(ServiceError):
    """There is no such thing, or none that the caller may see."""

    status = 404
    title = "Not found"
    default_code = "not_found"


class Conflict(ServiceError):
    """The request doesn't fit the present state."""

    status = 409
    title = "Conflict"
    default_code = "conflict"


class PayloadTooLarge(ServiceError):
    """The body is larger than is taken."""

    status = 413
    title = "Payload too large"
    default_code = "payload_too_large"


class UnsupportedMediaType(ServiceError):
    """The body is of a kind that is not taken here."""

    status = 415
    title = "Unsupported media type"
    default_code = "unsupported_media_type"


class ValidationFailed(ServiceError):
    """Parts of the request are not as agreed; `errors` says which and why."""

    status = 422
    title = "Validation failed"
    default_code = "validation_failed"


class RuleViolated(ServiceError):
    """The request is well formed and a business rule forbids it."""

    status = 422
    title = "Rule violated"
    default_code = "rule_violated"


class TooManyRequests(ServiceError):
    """The caller must wait `retry_after` seconds."""

    status = 429
    title = "Too many requests"
    default_code = "too_many_requests"


class Unavailable(ServiceError):
    """A part that is needed can't be reached at present."""

    status = 503
    title = "Temporarily unavailable"
    default_code = "unavailable"


class TimedOut(ServiceError):
    """A part that is needed took too long; what it did is not known."""

    status = 504
    title = "Timed out"
    default_code = "timed_out"


ERRORS_BY_STATUS: dict[int, type[ServiceError]] = {
    400: InvalidRequest,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: PayloadTooLarge,
    415: UnsupportedMediaType,
    422: RuleViolated,
    429: TooManyRequests,
    503: Unavailable,
    504: TimedOut,
}
"""The meaning of an HTTP status that carries a problem."""
