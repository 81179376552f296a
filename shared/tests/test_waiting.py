"""Waiting for a condition with a deadline."""

from collections.abc import Iterator

import pytest

from shared.kit.errors import Unavailable
from shared.testing.waiting import until, until_it_succeeds


@pytest.fixture
def answers() -> Iterator[bool]:
    return iter([False, False, True])


async def test_a_function_is_asked_until_it_gives_true(answers: Iterator[bool]) -> None:
    await until(lambda: next(answers))
    assert next(answers, None) is None


async def test_a_coroutine_function_is_awaited(answers: Iterator[bool]) -> None:
    async def condition() -> bool:
        return next(answers)

    await until(condition)
    assert next(answers, None) is None


async def test_what_never_holds_fails_the_test() -> None:
    with pytest.raises(AssertionError, match=r"did not hold within 0\.02 s"):
        await until(lambda: False, within=0.02)


async def test_a_time_out_of_the_condition_itself_is_not_hidden() -> None:
    async def condition() -> bool:
        raise TimeoutError("of its own")

    with pytest.raises(TimeoutError, match="of its own"):
        await until(condition)


async def test_a_call_is_repeated_until_it_raises_no_service_error(
    answers: Iterator[bool],
) -> None:
    async def call() -> None:
        if not next(answers):
            raise Unavailable

    await until_it_succeeds(call)
    assert next(answers, None) is None
