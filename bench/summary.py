"""Statistics of repeated measurements."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

Sample = TypeVar("Sample")


@dataclass(frozen=True)
class Figure:
    """A measured quantity: one value a round."""

    name: str
    unit: str
    values: Sequence[float]

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def spread(self) -> str:
        """The lowest and the highest value; empty where there is one alone."""
        if len(self.values) == 1:
            return ""
        return f"{shown(min(self.values))}..{shown(max(self.values))}"


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` % of all do not exceed; NaN for no values."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def shown(value: float) -> str:
    """Three significant digits, whole numbers from 100 on."""
    if math.isnan(value):
        return "none"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def alternate(sides: Mapping[str, Callable[[], Sample]], rounds: int) -> dict[str, list[Sample]]:
    """A sample of each side in each round; every other round begins with the last side, so that a
    machine that grows slower favours none.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in sides}
    for number in range(rounds):
        names = list(sides) if number % 2 == 0 else list(sides)[::-1]
        for name in names:
            samples[name].append(sides[name]())
    return samples
