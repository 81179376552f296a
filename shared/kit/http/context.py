"""What belongs to the request, task or event at hand: its correlation id, trace and deadline."""

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
    """A place in a distributed trace (W3C Trace Context)."""

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
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


def correlation_id() -> str:
    """The id that ties together everything one request caused; empty outside of any."""
    return _correlation.get()


def trace() -> Trace | None:
    """The present place in the trace, if there is one."""
    return _trace.get()


def remaining() -> float | None:
    """Seconds until the deadline of the request at hand, or None when it has none."""
    deadline = _deadline.get()
    return None if deadline is None else deadline - time.monotonic()


def accepted_correlation_id(given: str | None) -> str:
    """`given` where it is well formed, else a new one."""
    return given if given and CORRELATION_ID.fullmatch(given) else str(uuid4())


@contextmanager
def correlated(
    correlation: str | None, traceparent: str | None = None, *, deadline: float | None = None
) -> Iterator[None]:
    """Work inside as a part of `correlation`; `deadline` in seconds from now."""
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
