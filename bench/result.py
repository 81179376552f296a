"""What a benchmark gives, and what it is given."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from stack import BenchStack
from summary import Figure, percentile
from users import Users

TIMES = ("s", "ms", "% of a core")


@dataclass(frozen=True)
class Target:
    """A limit of the repository's own: `met` when the median is at most, or at least, `limit`."""

    what: str
    measured: float
    limit: float
    unit: str
    sense: Literal["at most", "at least"] = "at most"

    @property
    def is_met(self) -> bool:
        if self.sense == "at most":
            return self.measured <= self.limit
        return self.measured >= self.limit

    @property
    def is_time(self) -> bool:
        return self.unit in TIMES


@dataclass(frozen=True)
class Plot:
    """Stacked or plain bars over `labels`, or lines through (x, y); `series` by name."""

    title: str
    kind: Literal["bars", "stacked bars", "lines"]
    series: Mapping[str, Sequence[float] | Sequence[tuple[float, float]]]
    labels: Sequence[str] = ()
    x_title: str = ""


@dataclass
class Result:
    """`void` says why the figures mean nothing; then there are none, or those before it."""

    figures: list[Figure] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    void: str = ""

    def __getitem__(self, name: str) -> Figure:
        return next(it for it in self.figures if it.name == name)

    def add_percentiles(self, name: str, milliseconds: Sequence[float]) -> Figure:
        """Adds the median and p99 of one measurement; returns the latter."""
        self.add(f"{name}, p50", "ms", percentile(milliseconds, 50))
        return self.add(f"{name}, p99", "ms", percentile(milliseconds, 99))

    def add(self, name: str, unit: str, *values: float) -> Figure:
        self.figures.append(Figure(name, unit, values))
        return self.figures[-1]


@dataclass
class Session:
    """One run of benchmarks on one stack. A `quick` one is for trying out: a fifth of the time."""

    stack: BenchStack
    users: Users
    is_quick: bool
    say: Callable[[str], None]

    def seconds(self, full: float) -> float:
        """How long a load of `full` seconds lasts in this run."""
        return max(2, full / 5) if self.is_quick else full

    def rounds(self, full: int) -> int:
        return min(2, full) if self.is_quick else full


@dataclass(frozen=True)
class Benchmark:
    """`measures` is the sentence of the page about it."""

    name: str
    measures: str
    run: Callable[[Session], Result]
