"""Throughput, latency, CPU and memory of one side or two, measured in alternating rounds."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from statistics import median

from load import Best, Workload, at_rate, best_rate
from plan import Outcome
from processes import cpu_between, cpu_seconds, memory
from result import Plot, Result, Session
from summary import alternate, percentile

ROUNDS = 5
ROUND_SECONDS = 5
OPEN_LOOP_ROUNDS = 2
OPEN_LOOP_SECONDS = 8


@dataclass(frozen=True)
class Side:
    """What answers a workload, which is made anew for each load. `pids` are the processes whose CPU
    and memory count for it, by name.
    """

    name: str
    workload: Callable[[], Workload]
    pids: Callable[[], Mapping[str, int]]


@dataclass(frozen=True)
class Round:
    """A closed loop, and microseconds of CPU a request by process."""

    best: Best
    cpu: Mapping[str, float]

    @property
    def cpu_us(self) -> float:
        return sum(self.cpu.values())


@contextmanager
def cpu_of(pids: Callable[[], Mapping[str, int]]) -> Iterator[dict[str, float]]:
    """CPU seconds by process during the block, filled in at its end."""
    used: dict[str, float] = {}
    before = cpu_seconds(pids())
    yield used
    used.update(cpu_between(before, cpu_seconds(pids())))


def compare(session: Session, *sides: Side) -> Result:
    """Best rates, CPU a request, memory, and latencies at half the best rate of each side; the
    figures of the first over the second where there are two.

    Raises VoidRun.
    """
    result = Result()
    loops = {side.name: partial(_closed_loop, session, side) for side in sides}
    samples = alternate(loops, session.rounds(ROUNDS))
    for side in sides:
        rounds = samples[side.name]
        result.add(f"{side.name}: best rate", "requests/s", *(it.best.rate for it in rounds))
        result.add(f"{side.name}: CPU a request", "µs", *(it.cpu_us for it in rounds))
        used = memory(side.pids()).values()
        result.add(f"{side.name}: memory, PSS", "MiB", sum(it.pss for it in used))
    if len(sides) == 2:
        pairs = list(zip(*samples.values(), strict=True))
        rates = (one.best.rate / two.best.rate for one, two in pairs)
        result.add("ratio of the best rates", "", *rates)
        result.add("ratio of CPU a request", "", *(one.cpu_us / two.cpu_us for one, two in pairs))
    _open_loops(session, result, sides)
    generator = (it.best.generator_cpu / it.best.count for it in samples[sides[0].name])
    result.add("load generator: CPU a request", "µs", *(seconds * 1e6 for seconds in generator))
    result.plots.append(_by_process(samples))
    return result


def _closed_loop(session: Session, side: Side) -> Round:
    workload = side.workload()
    with cpu_of(side.pids) as cpu:
        best = best_rate(workload, session.seconds(ROUND_SECONDS))
    session.say(f"{side.name}: {best.rate:.0f} requests/s")
    return Round(best, {name: used / best.count * 1e6 for name, used in cpu.items()})


def _open_loops(session: Session, result: Result, sides: tuple[Side, ...]) -> None:
    halves = {side.name: result[f"{side.name}: best rate"].median / 2 for side in sides}

    def open_loop(side: Side) -> Outcome:
        seconds = session.seconds(OPEN_LOOP_SECONDS)
        return at_rate(side.workload(), halves[side.name], seconds)

    loops = {side.name: partial(open_loop, side) for side in sides}
    for name, outcomes in alternate(loops, session.rounds(OPEN_LOOP_ROUNDS)).items():
        for percent in (50, 99):
            values = (percentile(it.milliseconds, percent) for it in outcomes)
            result.add(f"{name}: at {halves[name]:.0f} requests/s, p{percent}", "ms", *values)


def _by_process(samples: Mapping[str, list[Round]]) -> Plot:
    """CPU a request by process; what takes less than 1 % is left out."""
    names = {name for rounds in samples.values() for name in rounds[0].cpu}
    shares = {
        name: [round(median(it.cpu.get(name, 0) for it in side), 1) for side in samples.values()]
        for name in sorted(names)
    }
    least = max(map(sum, zip(*shares.values(), strict=True))) / 100
    series = {name: used for name, used in shares.items() if max(used) >= least}
    return Plot("CPU a request by process (µs)", "stacked bars", series, list(samples))
