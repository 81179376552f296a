from itertools import accumulate, repeat

from devtools.stack.service_runner import next_wait


def test_it_doubles_up_to_the_most() -> None:
    waits = [*accumulate(repeat(0.0, 8), next_wait)][1:]
    assert waits == [0.5, 1, 2, 4, 8, 10, 10]


def test_a_long_healthy_run_is_followed_by_a_start_at_once() -> None:
    assert next_wait(4, healthy_seconds=29.9) == 8
    assert next_wait(4, healthy_seconds=30) == 0
    assert next_wait(0, healthy_seconds=0) == 0.5
