"""Names of the headers that calls between services carry."""

ASSERTION_HEADER = "X-Service-Assertion"
CORRELATION_HEADER = "X-Correlation-ID"
DEADLINE_HEADER = "X-Deadline-Ms"
TRACE_HEADER = "traceparent"
RETRIED_HEADER = "X-Retried"
"""On a 5xx: the service has already repeated the call that failed."""
