"""Context variables of the current request, task or event: correlation id, trace, deadline."""

import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import uuid4

CORRELATION_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class Trace:
    """A span of a distributed trace (W3C Trace Context)."""

    trace_id: str
    span_id: str
    flags: str = "00"

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"

    @classmethod
    def continued(cls, traceparent: str | None) -> "Trace":
        """A new span below `traceparent`, or a new trace where it is absent or malformed."""
        match = _TRACEPARENT.fullmatch(traceparent or "")
        if match and match[1] != "ff" and set(match[2]) != {"0"} and set(match[3]) != {"0"}:
            return cls(match[2], secrets.token_hex(8), match[4])
        return cls(secrets.token_hex(16), secrets.token_hex(8))


_correlation: ContextVar[str] = ContextVar("correlation_id", default="")
_trace: ContextVar[Trace | None] = ContextVar("trace", default=None)
_critical: ContextVar[bool] = ContextVar("critical", default=False)
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


def correlation_id() -> str:
    """The correlation id of the current request; empty outside of one."""
    return _correlation.get()


def trace() -> Trace | None:
    """The current span, if there is one."""
    return _trace.get()


def remaining() -> float | None:
    """Seconds until the deadline of the current request, or None without one."""
    deadline = _deadline.get()
    return None if deadline is None else deadline - time.monotonic()


def is_critical() -> bool:
    """Whether the current request goes first where services refuse others."""
    return _critical.get()


@contextmanager
def priority(*, critical: bool) -> Iterator[None]:
    """Set the priority of the block; the calls made in it carry it on."""
    token = _critical.set(critical)
    try:
        yield
    finally:
        _critical.reset(token)


def accepted_correlation_id(given: str | None) -> str:
    """`given` where it is well formed, else a new one."""
    return given if given and CORRELATION_ID.fullmatch(given) else str(uuid4())


@contextmanager
def correlated(
    correlation: str | None, traceparent: str | None = None, *, deadline: float | None = None
) -> Iterator[None]:
    """Set the context variables for the block; `deadline` in seconds from now."""
    tokens = (
        _correlation.set(accepted_correlation_id(correlation)),
        _trace.set(Trace.continued(traceparent)),
        _deadline.set(None if deadline is None else time.monotonic() + deadline),
    )
    try:
        yield
    finally:
        _correlation.reset(tokens[0])
        _trace.reset(tokens[1])
        _deadline.reset(tokens[2])
