"""The supervisor's control channel: one JSON line each way over a Unix socket."""

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from devtools.stack.state import StackState
from devtools.workspace.errors import DevError

_ANSWER_WITHIN = 90.0


class NotRunning(DevError):
    """No supervisor answers there."""


@dataclass(frozen=True)
class Request:
    verb: Literal["status", "restart", "down"]
    service: str = ""


class ControlServer:
    """Listens at `path`, for this user alone, while the block runs."""

    def __init__(self, path: Path, answer: Callable[[Request], Awaitable[str]]) -> None:
        self._path = path
        self._answer = answer

    async def __aenter__(self) -> Self:
        self._path.unlink(missing_ok=True)
        umask = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, str(self._path))
        finally:
            os.umask(umask)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            try:
                answer = await self._answer(Request(**json.loads(await reader.readline())))
            except DevError as error:
                answer = json.dumps({"error": str(error)})
            writer.write(answer.encode() + b"\n")
            await writer.drain()
        writer.close()


def ask(path: Path, request: Request) -> StackState:
    """The state of the stack after it did what was asked; NotRunning where nobody answers."""
    with socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(_ANSWER_WITHIN)
        try:
            channel.connect(str(path))
            channel.sendall(json.dumps(asdict(request)).encode() + b"\n")
            with channel.makefile("rb") as answers:
                line = answers.readline()
        except TimeoutError:
            raise DevError(
                f"no answer within {_ANSWER_WITHIN:g} s; ./dev status and ./dev logs tell more"
            ) from None
        except OSError:
            line = b""
    if not line:
        raise NotRunning("the stack is not running: ./dev up starts it")
    answer = json.loads(line)
    if "error" in answer:
        raise DevError(answer["error"])
    return StackState.from_json(line.decode())
