"""What the supervisor says about the stack, by one JSON line each way over a Unix socket."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, Self

from devtools.workspace.errors import DevError

_ANSWER_WITHIN = 90.0

State = Literal[
    "preparing",
    "waiting",
    "starting",
    "ready",
    "unready",
    "restarting",
    "stopping",
    "stopped",
    "done",
]
Phase = Literal["starting", "ready", "stopping", "failed"]
Verb = Literal["status", "restart", "down"]


@dataclass(frozen=True)
class StartOptions:
    """What a start leaves out and stubs, by name, and whether it puts changes into the stack."""

    without: Sequence[str] = ()
    stubs: Sequence[str] = ()
    watch: bool = False


@dataclass(frozen=True)
class ServiceState:
    """`detail` says what it waits for or why it is not ready; `ready_after` is in seconds."""

    name: str
    state: State
    ports: list[int]
    pid: int | None = None
    restarts: int = 0
    detail: str = ""
    ready_after: float | None = None

    @property
    def is_up(self) -> bool:
        """It is ready, or a one-shot job that ended with exit code 0."""
        return self.state in {"ready", "done"}


@dataclass(frozen=True)
class StepState:
    """Something that had to be there before a service: an environment, an engine. Seconds."""

    name: str
    detail: str
    seconds: float
    done: bool


@dataclass(frozen=True)
class StackState:
    """`failure` is the reason in one line, with the culprit's last log lines below it."""

    phase: Phase
    pid: int
    offset: int
    services: list[ServiceState]
    steps: list[StepState] = field(default_factory=list)
    seconds: float = 0.0
    failure: str = ""
    without: list[str] = field(default_factory=list)
    stubs: list[str] = field(default_factory=list)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        values = json.loads(text)
        values["services"] = [ServiceState(**entry) for entry in values["services"]]
        values["steps"] = [StepState(**entry) for entry in values["steps"]]
        return cls(**values)


class NotRunning(DevError):
    """No supervisor answers there."""


@dataclass(frozen=True)
class Request:
    verb: Verb
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

    umask = os.umask(0o177)
    try:
        server = await asyncio.start_unix_server(serve, path)
    finally:
        os.umask(umask)
    try:
        yield
    finally:
        server.close()
        path.unlink(missing_ok=True)  # noqa: ASYNC240 - it takes no time


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
