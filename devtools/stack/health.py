"""Probes the health of a service, by HTTP or by a command."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from devtools.workspace.processes import in_thread, output_of

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

    A service of ours tells ready from alive. Elsewhere any answer at all means alive.
    """

    port: int
    path: str

    async def ready(self) -> Answer:
        return await get(self.port, self.path)

    async def is_alive(self, answer: Answer) -> bool:
        """Whether it lives though it gave this answer to `ready`."""
        if not self.path.endswith(_READY):
            return answer.status is not None
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


async def get(port: int, path: str, timeout: float = 2.0) -> Answer:
    """What this machine answers at `port`; `timeout` is in seconds."""
    return await in_thread(lambda: _get(port, path, timeout))


def _get(port: int, path: str, timeout: float) -> Answer:
    with closing(HTTPConnection("127.0.0.1", port, timeout=timeout)) as connection:
        try:
            connection.request("GET", path, headers={"Connection": "close"})
            answer = connection.getresponse()
            return Answer(answer.status, answer.read().decode(errors="replace"))
        except TimeoutError:
            return Answer(None, f"no answer within {timeout:g} s")
        except (OSError, HTTPException) as error:
            return Answer(None, str(error) or type(error).__name__)
