"""The supervisor's control channel: one JSON line each way over a Unix socket."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from devtools.stack.state import StackState
from devtools.workspace.errors import DevError

_ANSWER_WITHIN = 90.0


class NotRunning(DevError):
    """No supervisor answers there."""


@dataclass(frozen=True)
class Request:
    verb: Literal["status", "restart", "down"]
    service: str = ""


@asynccontextmanager
async def serving(path: Path, answer: Callable[[Request], Awaitable[str]]) -> AsyncIterator[None]:
    """Listens at `path`, for this user alone, while the block runs."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            try:
                said = await answer(Request(**json.loads(await reader.readline())))
            except DevError as error:
                said = json.dumps({"error": str(error)})
            writer.write(said.encode() + b"\n")
            await writer.drain()
        writer.close()

    with _listener(path) as listener:
        server = await asyncio.start_unix_server(serve, sock=listener)
        try:
            yield
        finally:
            server.close()


@contextmanager
def _listener(path: Path) -> Iterator[socket.socket]:
    path.unlink(missing_ok=True)
    umask = os.umask(0o177)
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
    finally:
        os.umask(umask)
    try:
        yield listener
    finally:
        path.unlink(missing_ok=True)


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
