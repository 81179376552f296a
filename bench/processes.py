"""CPU time and memory of processes with all their children."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Memory:
    """MiB: `rss` counts shared pages in each process, `pss` divides them among those that share."""

    rss: float
    pss: float


def cpu_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """User and system time by name, that of children that ended included."""
    return {name: sum(_cpu(process) for process in _tree(pid)) for name, pid in pids.items()}


def cpu_between(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """By name; a process that is new counts whole."""
    return {name: max(0.0, used - before.get(name, 0)) for name, used in after.items()}


def memory(pids: Mapping[str, int]) -> dict[str, Memory]:
    """By name."""
    return {name: _memory(_tree(pid)) for name, pid in pids.items()}


def _tree(pid: int) -> list[psutil.Process]:
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def _cpu(process: psutil.Process) -> float:
    with suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)
    return 0.0


def _memory(tree: Iterable[psutil.Process]) -> Memory:
    rss = pss = 0.0
    for process in tree:
        with suppress(psutil.Error):
            used = process.memory_full_info()
            rss, pss = rss + used.rss / MEBIBYTE, pss + used.pss / MEBIBYTE
    return Memory(rss, pss)
