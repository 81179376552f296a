from devtools.stack.service_runner import Backoff


def test_it_doubles_up_to_the_most() -> None:
    backoff = Backoff(first=0.5, most=10, reset_after=30)
    waits = [backoff.after_a_run_of(0) for _ in range(7)]
    assert waits == [0.5, 1, 2, 4, 8, 10, 10]


def test_a_long_healthy_run_sets_it_back() -> None:
    backoff = Backoff(first=0.5, most=10, reset_after=30)
    backoff.after_a_run_of(0)
    backoff.after_a_run_of(29.9)
    assert backoff.after_a_run_of(30) == 0.5
    assert backoff.after_a_run_of(0) == 1
