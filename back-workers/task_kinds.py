"""The kinds of background tasks: where each is queued and how long it may take."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from shared.models.task import TaskKind

Queue = Literal["high", "medium", "low"]

HARD_LIMIT_MARGIN = 30
"""Seconds that a run has after its soft limit to report; then its process is killed."""


@dataclass(frozen=True, slots=True)
class KindOfTask:
    """`soft_seconds`: a run is ended and counts as failed.

    A `resumable` kind gives its run back when the worker stops; any other one is finished first.
    """

    queue: Queue
    soft_seconds: int
    resumable: bool = False

    @property
    def hard_seconds(self) -> int:
        return self.soft_seconds + HARD_LIMIT_MARGIN


KINDS: Mapping[TaskKind, KindOfTask] = {
    "send_digests": KindOfTask("medium", soft_seconds=600),
    "sweep_credentials": KindOfTask("medium", soft_seconds=60),
    "sweep_outbox": KindOfTask("medium", soft_seconds=600),
    "sweep_registrations": KindOfTask("medium", soft_seconds=60),
    "sweep_tasks": KindOfTask("medium", soft_seconds=60),
    "user_export": KindOfTask("low", soft_seconds=3600, resumable=True),
}


def kind_of(name: object) -> KindOfTask | None:
    """The kind called `name`; None for one that this version does not know."""
    return next((kind for known, kind in KINDS.items() if known == name), None)
