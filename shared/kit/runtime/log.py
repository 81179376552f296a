"""Structured logs: one JSON object in a line, or coloured text for a terminal."""

import json
import logging
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor, WrappedLogger

from shared.kit.http.context import correlation_id, trace

_STDOUT = 1
# A dataclass may hide fields from its text, so it is logged by its text like any other object.
_JSON = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z | orjson.OPT_PASSTHROUGH_DATACLASS


class _Output:
    """Writes each line whole, with one system call, so that threads and forks can't mix theirs.

    A line that can't be written is lost: a full disk does not end a request.
    """

    def msg(self, line: bytes) -> None:
        try:
            os.write(_STDOUT, line)
        except OSError:
            return

    debug = info = warning = error = critical = msg


class _LibraryLogs(logging.Handler):
    """Takes what libraries log through `processors`, of which the last one renders the line."""

    def __init__(self, processors: Iterable[Processor], output: _Output) -> None:
        super().__init__()
        self._processors: list[Processor] = [structlog.stdlib.ExtraAdder(), *processors]
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line: Any = {"event": record.getMessage(), "exc_info": record.exc_info}
            line["_record"] = record  # for ExtraAdder
            for processor in self._processors:
                line = processor(None, record.levelname.lower(), line)
            self._output.msg(line)
        except Exception:  # noqa: BLE001 - as every handler of logging does
            self.handleError(record)


def configure_logging(service: str, *, log_format: str = "json", level: str = "INFO") -> None:
    """Send all logs, of this code and of libraries, to standard output in one format."""

    def _fields(_: WrappedLogger, level: str, event: EventDict) -> EventDict:
        event.pop("_record", None)
        event["level"] = level
        event["time"] = datetime.now(UTC)
        event["service"] = service
        if correlation := correlation_id():
            event.setdefault("correlation_id", correlation)
        if here := trace():
            event.setdefault("trace_id", here.trace_id)
        return event

    # No local variables in tracebacks: they may hold passwords and tokens.
    traceback = structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
    renderer: list[Processor] = [traceback, _json] if log_format == "json" else [_text()]
    processors: list[Processor] = [_fields, *renderer]
    output = _Output()
    structlog.configure(
        processors=processors,
        logger_factory=lambda *_: output,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()  # noqa: TID251 - the one place that sets logging up
    root.handlers = [_LibraryLogs(processors, output)]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio", "celery"):
        logger = logging.getLogger(name)  # noqa: TID251 - the one place that sets logging up
        logger.handlers = []
        logger.propagate = name != "uvicorn.access"
    logging.getLogger("uvicorn.error").setLevel("WARNING")  # noqa: TID251 - the one place that sets logging up


def _json(_: WrappedLogger, __: str, event: EventDict) -> bytes:
    try:
        return orjson.dumps(event, default=str, option=_JSON)
    except orjson.JSONEncodeError:  # no Unicode, more than 64 bits, or a key that is no string
        return f"{json.dumps(event, default=str, skipkeys=True)}\n".encode()


def _text() -> Processor:
    render = structlog.dev.ConsoleRenderer(
        exception_formatter=structlog.dev.plain_traceback, timestamp_key="time"
    )

    def line(logger: WrappedLogger, level: str, event: EventDict) -> bytes:
        event["time"] = event["time"].isoformat(timespec="milliseconds")
        return f"{render(logger, level, event)}\n".encode(errors="backslashreplace")

    return line
