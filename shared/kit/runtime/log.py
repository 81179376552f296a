"""Structured logs: one JSON object in a line, or coloured text for a terminal."""

import logging
import sys

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor, WrappedLogger

from shared.kit.http.context import correlation_id, trace


def _context(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if correlation := correlation_id():
        event.setdefault("correlation_id", correlation)
    if here := trace():
        event.setdefault("trace_id", here.trace_id)
    return event


def configure_logging(service: str, *, log_format: str = "json", level: str = "INFO") -> None:
    """Send all logs, of this code and of libraries, to standard output in one format."""

    def _service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    common: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _service,
        _context,
    ]
    # No local variables in tracebacks: they may hold passwords and tokens.
    traceback = structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
    renderer: list[Processor] = (
        [traceback, structlog.processors.JSONRenderer(default=str)]
        if log_format == "json"
        else [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    )
    structlog.configure(
        processors=[*common, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=common,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()  # noqa: TID251 - the one place that sets logging up
    root.handlers = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio", "celery"):
        logger = logging.getLogger(name)  # noqa: TID251 - the one place that sets logging up
        logger.handlers = []
        logger.propagate = name != "uvicorn.access"
    logging.getLogger("uvicorn.error").setLevel("WARNING")  # noqa: TID251 - the one place that sets logging up
