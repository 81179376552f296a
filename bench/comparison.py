"""Throughput, latency and CPU of one or more sides, measured in alternating rounds."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from statistics import median

from load import Best, Workload, at_rate, best_rate
from processes import cpu_between, cpu_seconds
from result import Plot, Result, Session
from summary import Figure, alternate, percentile

ROUNDS = 5
ROUND_SECONDS = 5
OPEN_LOOP_ROUNDS = 2
OPEN_LOOP_SECONDS = 8


@dataclass(frozen=True)
class Side:
    """What answers a workload: `pids` are the processes whose CPU counts for it, by name."""

    name: str
    workload: Workload
    pids: Callable[[], Mapping[str, int]]


@dataclass(frozen=True)
class Round:
    best: Best
    cpu: Mapping[str, float]

    @property
    def cpu_us(self) -> float:
        """Microseconds of CPU a request, over all processes."""
        return sum(self.cpu.values()) / self.best.count * 1e6


@contextmanager
def cpu_of(pids: Callable[[], Mapping[str, int]]) -> Iterator[dict[str, float]]:
    """CPU seconds by process during the block, filled in at its end."""
    used: dict[str, float] = {}
    before = cpu_seconds(pids())
    yield used
    used.update(cpu_between(before, cpu_seconds(pids())))


def compare(session: Session, *sides: Side) -> tuple[Result, dict[str, Figure]]:
    """Rates, CPU a request and latencies at half the best rate of each side; the figures of the
    first over the second where there are two. The rates are returned by side.

    Raises VoidRun.
    """
    result = Result()
    runs = {side.name: partial(_round, session, side) for side in sides}
    samples = alternate(runs, session.rounds(ROUNDS))
    rates = {}
    for side in sides:
        rounds = samples[side.name]
        rates[side.name] = result.add(
            f"{side.name}: best rate", "requests/s", *(it.best.rate for it in rounds)
        )
        result.add(f"{side.name}: CPU a request", "µs", *(it.cpu_us for it in rounds))
    if len(sides) == 2:
        _ratios(result, samples[sides[0].name], samples[sides[1].name])
    _open_loops(session, result, sides, rates)
    generator = [it.best.generator_cpu / it.best.count * 1e6 for it in samples[sides[0].name]]
    result.add("load generator: CPU a request", "µs", *generator)
    result.plots.append(_by_process(samples))
    return result, rates


def _round(session: Session, side: Side) -> Round:
    with cpu_of(side.pids) as cpu:
        best = best_rate(side.workload, session.seconds(ROUND_SECONDS))
    session.say(f"{side.name}: {best.rate:.0f} requests/s")
    return Round(best, cpu)


def _ratios(result: Result, subject: list[Round], control: list[Round]) -> None:
    pairs = list(zip(subject, control, strict=True))
    result.add(
        "ratio of the best rates", "", *(one.best.rate / two.best.rate for one, two in pairs)
    )
    result.add("ratio of CPU a request", "", *(one.cpu_us / two.cpu_us for one, two in pairs))


def _open_loops(
    session: Session, result: Result, sides: tuple[Side, ...], rates: Mapping[str, Figure]
) -> None:
    seconds = session.seconds(OPEN_LOOP_SECONDS)
    loops = {
        side.name: partial(at_rate, side.workload, rates[side.name].median / 2, seconds)
        for side in sides
    }
    for name, outcomes in alternate(loops, session.rounds(OPEN_LOOP_ROUNDS)).items():
        latencies = [[it.seconds * 1000 for it in outcome.answers] for outcome in outcomes]
        at = f"{name}: at {rates[name].median / 2:.0f} requests/s"
        for percent in (50, 99):
            values = (percentile(it, percent) for it in latencies)
            result.add(f"{at}, p{percent}", "ms", *values)


def _by_process(samples: Mapping[str, list[Round]]) -> Plot:
    """CPU a request by process; what takes less than 1 % is left out."""
    shares: dict[str, list[float]] = {}
    for at, rounds in enumerate(samples.values()):
        for name in rounds[0].cpu:
            used = median(it.cpu.get(name, 0) / it.best.count * 1e6 for it in rounds)
            shares.setdefault(name, [0.0] * len(samples))[at] = round(used, 1)
    least = max(map(sum, zip(*shares.values(), strict=True))) / 100
    series = {name: used for name, used in shares.items() if max(used) >= least}
    return Plot("CPU a request by process (µs)", "stacked bars", series, list(samples))
