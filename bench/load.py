"""Starts a load and reads what came of it: wrk where there is one, else the own generator."""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from plan import CONNECTIONS, Call, Outcome, Plan

HERE = Path(__file__).parent


class VoidRun(Exception):
    """Some answers were not 2xx: the figures of the run mean nothing."""


@dataclass(frozen=True)
class Workload:
    """Requests for one address; `carry` and `carried` as in `Plan`.

    A closed loop keeps `connections` of them under way.
    """

    base_url: str
    calls: Sequence[Call]
    carry: str = ""
    carried: Sequence[str] = ()
    connections: int = CONNECTIONS

    def plan(self, *, seconds: float, rate: float = 0, **more: object) -> Plan:
        own = {"base_url": self.base_url, "calls": self.calls, "connections": self.connections}
        carry = {"carry": self.carry, "carried": self.carried}
        return Plan.model_validate({**own, **carry, "seconds": seconds, "rate": rate, **more})

    @property
    def is_fixed(self) -> bool:
        """Whether every request of a call is the same, so that wrk can send it."""
        return not self.carry and not any("{id}" in call.body for call in self.calls)


@dataclass(frozen=True)
class Best:
    """What a closed loop reached: answers a second, their number, CPU seconds of the load."""

    rate: float
    count: int
    generator_cpu: float
    failed: Counter[int] = field(default_factory=Counter)

    @property
    def good_rate(self) -> float:
        return self.rate * (1 - self.failed.total() / max(1, self.count))


def best_rate(workload: Workload, seconds: float) -> Best:
    """Keep its connections busy for so long. Raises VoidRun."""
    best = closed_loop(workload, seconds)
    check(best.count, best.failed)
    return best


def closed_loop(workload: Workload, seconds: float) -> Best:
    """The same, whatever the answers are."""
    if workload.is_fixed and shutil.which("wrk"):
        return _wrk(workload, seconds)
    return own_closed_loop(workload, seconds)


def own_closed_loop(workload: Workload, seconds: float) -> Best:
    """The same by the own generator, which sends at fixed rates too: it costs four times what wrk
    costs, and both sides of a comparison have to bear it.
    """
    return of_outcome(generate(workload.plan(seconds=seconds)))


def at_rate(
    workload: Workload, rate: float, seconds: float, *, is_checked: bool = True, **more: object
) -> Outcome:
    """Send at a fixed rate. Raises VoidRun unless `is_checked` is false."""
    outcome = generate(workload.plan(seconds=seconds, rate=rate, **more))
    if is_checked:
        check(len(outcome.answers), not_good(outcome))
    return outcome


def generate(plan: Plan) -> Outcome:
    """Run the generator. Raises CalledProcessError."""
    with tempfile.NamedTemporaryFile(prefix="bench-") as outcome:
        program = [sys.executable, str(HERE / "generator.py"), outcome.name]
        subprocess.run(program, input=plan.model_dump_json().encode(), check=True)
        return Outcome.model_validate_json(outcome.read())


def of_outcome(outcome: Outcome) -> Best:
    """A closed loop of the own generator in the terms of wrk."""
    answers = outcome.answers
    began = min(answer.due for answer in answers)
    ended = max(answer.due + answer.seconds for answer in answers)
    return Best(
        rate=len(answers) / (ended - began),
        count=len(answers),
        generator_cpu=outcome.cpu_seconds,
        failed=not_good(outcome),
    )


def not_good(outcome: Outcome) -> Counter[int]:
    """The answers that are not 2xx, by status; 0 where none came."""
    return Counter(it.status for it in outcome.answers if it.status // 100 != 2)


def check(count: int, failed: Counter[int]) -> None:
    """Raises VoidRun, with which and how many, when an answer was not 2xx."""
    if failed or not count:
        which = ", ".join(
            f"{status or 'no answer'}: {number}" for status, number in sorted(failed.items())
        )
        raise VoidRun(f"{failed.total()} of {count} answers were not 2xx ({which or 'none came'})")


def _wrk(workload: Workload, seconds: float) -> Best:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        calls = Path(folder, "calls.lua")
        calls.write_text(f"return {{{','.join(_lua(call) for call in workload.calls)}}}")
        connections = f"--threads=1 --connections={workload.connections}"
        options = f"{connections} --duration={round(seconds)}s --timeout=10s"
        done = subprocess.run(
            ["wrk", *options.split(), "--script", HERE / "wrk.lua", workload.base_url],
            env={**os.environ, "BENCH_CALLS": str(calls)},
            capture_output=True,
            text=True,
            check=True,
        )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = json.loads(done.stdout.strip().splitlines()[-1])
    failed = Counter({-1: said["refused"], 0: said["unanswered"]})
    return Best(
        rate=said["requests"] / said["seconds"],
        count=said["requests"],
        generator_cpu=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        failed=+failed,
    )


def _lua(call: Call) -> str:
    headers = {**({"Content-Type": "application/json"} if call.body else {}), **call.headers}
    listed = ",".join(f"[{json.dumps(name)}]={json.dumps(text)}" for name, text in headers.items())
    body = f",body={json.dumps(call.body)}" if call.body else ""
    return f'{{method="{call.method}",path={json.dumps(call.path)},headers={{{listed}}}{body}}}'
