"""Probes the health of a service, by HTTP or by a command."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from devtools.workspace.processes import output_of

_READY = "/health/ready"
_LIVE = "/health/live"


@dataclass(frozen=True)
class Answer:
    """`status` is None when nothing answered in time; `text` is the body, or why there is none."""

    status: int | None
    text: str

    @property
    def is_good(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True)
class Probe:
    """The health URL of one service.

    A service of ours tells `live` and `ready` apart. Elsewhere any answer at all means alive.
    """

    port: int
    path: str

    async def ready(self) -> Answer:
        return await get(self.port, self.path)

    async def live(self) -> bool:
        if not self.path.endswith(_READY):
            return (await get(self.port, self.path)).status is not None
        return (await get(self.port, self.path.removesuffix(_READY) + _LIVE)).is_good


@dataclass(frozen=True)
class CommandProbe:
    """A command that tells the health of a service by its exit code."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    timeout: float = 5.0

    async def ready(self) -> Answer:
        try:
            code, said = await output_of(
                self.argv, cwd=self.cwd, env=self.env, timeout=self.timeout
            )
        except TimeoutError:
            return Answer(None, f"its health command took more than {self.timeout:g} s")
        said = said or f"its health command exits with {code}"
        return Answer(503, said) if code else Answer(200, "")

    async def live(self) -> bool:
        return (await self.ready()).is_good


async def get(port: int, path: str, timeout: float = 2.0) -> Answer:
    try:
        async with asyncio.timeout(timeout):
            return await _get(port, path)
    except TimeoutError:
        return Answer(None, f"no answer within {timeout:g} s")
    except (OSError, ValueError, IndexError) as error:
        return Answer(None, str(error) or type(error).__name__)


async def _get(port: int, path: str) -> Answer:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
        writer.write(request.encode())
        answer = await reader.read(65536)
        while chunk := await reader.read(65536):
            answer += chunk
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return Answer(int(head.split(b" ", 2)[1]), body.decode(errors="replace"))
