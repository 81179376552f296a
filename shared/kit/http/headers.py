"""Names of the headers that calls between services carry."""

ASSERTION_HEADER = "X-Service-Assertion"
CORRELATION_HEADER = "X-Correlation-ID"
DEADLINE_HEADER = "X-Deadline-Ms"
TRACE_HEADER = "traceparent"
