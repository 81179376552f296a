"""Tells the processes of a worker that it is told to stop.

Celery signals the main process alone, and lets the others finish what they run. They share one byte
of memory with it, because they are forked from it.
"""

import mmap
from typing import Final

from celery.signals import worker_shutting_down

_TOLD: Final = mmap.mmap(-1, 1)


@worker_shutting_down.connect
def tell(**_: object) -> None:
    """Tell the processes that were forked from this one."""
    _TOLD[0] = 1


def is_stopping() -> bool:
    """Whether this worker is told to stop."""
    return _TOLD[0] == 1
