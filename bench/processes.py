"""CPU time and memory of processes with their children."""

from collections.abc import Mapping
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
    return {name: sum(map(_cpu, processes)) for name, processes in _trees(pids).items()}


def cpu_between(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """By name; what has no time before counts whole."""
    return {name: max(0.0, used - before.get(name, 0)) for name, used in after.items()}


def memory(pids: Mapping[str, int]) -> dict[str, Memory]:
    """By name."""
    return {name: _memory(processes) for name, processes in _trees(pids).items()}


def _trees(pids: Mapping[str, int]) -> dict[str, list[psutil.Process]]:
    """Each name's process and those below it, as far as they are not below another named one."""
    names = {pid: name for name, pid in pids.items()}
    trees: dict[str, list[psutil.Process]] = {name: [] for name in pids}
    running = {it.pid: it for it in psutil.process_iter(["ppid"])}
    for pid, process in running.items():
        above = pid
        while above not in names and above in running:
            above = running[above].info["ppid"]
        if above in names:
            trees[names[above]].append(process)
    return trees


def _cpu(process: psutil.Process) -> float:
    with suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)
    return 0.0


def _memory(processes: list[psutil.Process]) -> Memory:
    rss = pss = 0.0
    for process in processes:
        with suppress(psutil.Error):
            used = process.memory_full_info()
            rss, pss = rss + used.rss / MEBIBYTE, pss + used.pss / MEBIBYTE
    return Memory(rss, pss)
