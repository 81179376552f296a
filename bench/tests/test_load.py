"""What a load reports, and when a run is void."""

import asyncio
import shutil
from collections import Counter

import pytest

from load import VoidRun, Workload, at_rate, best_rate, check, of_outcome
from plan import Answer, Call, Outcome
from tests.conftest import Target


def outcome(*statuses: int) -> Outcome:
    answers = [
        Answer(correlation=f"bench-{n}", due=100 + n / 10, seconds=0.1, status=status)
        for n, status in enumerate(statuses)
    ]
    return Outcome(answers=answers)


class TestVoid:
    def test_one_answer_that_is_not_2xx_makes_a_run_void(self) -> None:
        with pytest.raises(VoidRun, match=r"3 of 40 .* \(no answer: 2, 503: 1\)"):
            check(40, Counter({503: 1, 0: 2}))

    def test_no_answer_at_all_does(self) -> None:
        with pytest.raises(VoidRun, match="none came"):
            check(0, Counter())

    def test_every_2xx_is_good(self) -> None:
        found = of_outcome(outcome(200, 201, 204))
        check(found.count, found.failed)

    def test_a_redirect_is_not_good(self) -> None:
        assert of_outcome(outcome(200, 302)).failed == {302: 1}


def test_the_rate_of_a_closed_loop_is_answers_by_time() -> None:
    assert of_outcome(outcome(200, 200, 200, 200)).rate == pytest.approx(10)


@pytest.mark.parametrize("program", ["wrk", "generator"])
async def test_the_best_rate_of_a_server(
    program: str, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    if program == "generator":
        monkeypatch.setattr(shutil, "which", lambda _: None)
    elif not shutil.which("wrk"):
        pytest.skip("wrk is not installed")
    target.delay = 0.02
    calls = [Call(method="POST", path="/", body='{"a": "b"}')]
    best = await asyncio.to_thread(best_rate, Workload(target.url, calls, connections=2), 1)
    assert set(target.bodies) == {'{"a": "b"}'}
    assert best.count <= len(target.bodies) <= best.count + 2
    assert 0 < best.rate <= 2 / target.delay
    assert best.generator_cpu > 0


@pytest.mark.parametrize("program", ["wrk", "generator"])
async def test_a_refusal_makes_a_closed_loop_void(
    program: str, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    if program == "generator":
        monkeypatch.setattr(shutil, "which", lambda _: None)
    elif not shutil.which("wrk"):
        pytest.skip("wrk is not installed")
    target.delay, target.statuses = 0.02, [200, 200, 429]
    with pytest.raises(VoidRun):
        await asyncio.to_thread(best_rate, Workload(target.url, [Call(path="/")]), 1)


async def test_a_fixed_rate_is_checked_unless_told_otherwise(target: Target) -> None:
    target.statuses = [503]
    workload = Workload(target.url, [Call(path="/")])
    with pytest.raises(VoidRun, match="5 of 5"):
        await asyncio.to_thread(at_rate, workload, 10, 0.5)
    found = await asyncio.to_thread(lambda: at_rate(workload, 10, 0.5, is_checked=False))
    assert [it.status for it in found.answers] == [503] * 5
