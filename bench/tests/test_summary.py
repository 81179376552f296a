"""Percentiles, medians with their range, alternating rounds."""

import math

import pytest

from summary import Figure, alternate, percentile, shown


@pytest.mark.parametrize("percent,expected", [(50, 50), (99, 99), (100, 100), (0, 1), (98.5, 99)])
def test_a_percentile_is_a_measured_value(percent: float, expected: float) -> None:
    assert percentile(list(range(100, 0, -1)), percent) == expected


def test_the_percentile_of_a_few_is_the_largest() -> None:
    assert percentile([3, 1, 2], 99) == 3


def test_the_percentile_of_nothing_is_none() -> None:
    assert math.isnan(percentile([], 99))
    assert shown(percentile([], 99)) == "none"


def test_a_figure_is_a_median_with_its_range() -> None:
    figure = Figure("rate", "requests/s", [1200, 900, 1000])
    assert figure.median == 1000
    assert figure.spread == "900..1,200"
    assert not Figure("one", "", [7]).spread


@pytest.mark.parametrize(
    "value,expected", [(1234.5, "1,234"), (99.94, "99.9"), (0.12345, "0.123"), (0, "0")]
)
def test_three_digits_are_shown(value: float, expected: str) -> None:
    assert shown(value) == expected


def test_sides_take_turns_and_the_first_of_a_round_changes() -> None:
    ran: list[str] = []

    def side(name: str) -> int:
        ran.append(name)
        return len(ran)

    samples = alternate({"a": lambda: side("a"), "b": lambda: side("b")}, 3)
    assert ran == ["a", "b", "b", "a", "a", "b"]
    assert samples == {"a": [1, 4, 5], "b": [2, 3, 6]}
