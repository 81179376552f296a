"""What the supervisor says about the stack, as it goes over the control socket."""

import json
from dataclasses import asdict, dataclass, field
from typing import Literal, Self

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
