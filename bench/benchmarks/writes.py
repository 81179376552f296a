"""Writes with one event and its two deliveries: to the audit log and to the socket of the user."""

import asyncio
import time
from dataclasses import dataclass
from uuid import uuid4

from comparison import cpu_of
from load import Workload, at_rate, not_good
from plan import Outcome
from result import Plot, Result, Session, Target
from shared.models.event import Command, NewEvent, Nothing, Recorded
from shared.models.profile import ProfileUpdated
from stack import BenchStack
from summary import percentile
from users import User

TARGET_RATE = 120
RATES = {50: 20.0, TARGET_RATE: 60.0, 200: 30.0}
"""Writes a second, and for how many seconds."""

BACKLOG_EVENTS = 3000
EVENTS_A_COMMAND = 20
DELIVERIES_AN_EVENT = 2
BODY = '{"company": "Company {id}"}'


@dataclass(frozen=True)
class Writes:
    """What became of the writes at one rate; milliseconds, paired by correlation id."""

    count: int
    errors: str
    answered: list[float]
    from_sending: list[float]
    from_event: list[float]
    lost: int
    cpu_ms: float
    generator_late: float


def write_with_events(session: Session) -> Result:
    result = Result()
    levels: dict[str, list[tuple[float, float]]] = {"p50": [], "p99": []}
    for rate, full in RATES.items():
        seconds = session.seconds(full)
        writes = _write(session, rate, seconds)
        at = f"at {rate}/s for {seconds:.0f} s"
        _add(result, at, writes)
        for name, percent in (("p50", 50), ("p99", 99)):
            levels[name].append((rate, percentile(writes.from_sending, percent)))
        if rate == TARGET_RATE:
            live = percentile(writes.from_sending, 99)
            result.targets += [
                Target(f"errors {at}", writes.lost + bool(writes.errors), 0, ""),
                Target(f"live p99 {at}", live, 150, "ms"),
                Target(f"CPU a write {at}", writes.cpu_ms, 6, "ms"),
            ]
    drained = result.add("drain of a backlog", "deliveries/s", *_drains(session, result))
    result.targets.append(Target(drained.name, drained.median, 400, drained.unit, "at least"))
    title = "From the write being due to its event at the socket (ms)"
    result.plots.insert(0, Plot(title, "lines", levels, x_title="writes/s"))
    return result


def event_to_live(session: Session) -> Result:
    result = Result()
    writes = _write(session, 50, session.seconds(20))
    _add(result, "at 50/s", writes)
    for percent in (50, 99):
        value = percentile(writes.from_event, percent)
        result.add(f"event to socket, p{percent}", "ms", value)
    return result


def _add(result: Result, at: str, writes: Writes) -> None:
    if writes.errors:
        result.void = f"{result.void} {at}: {writes.errors}".strip()
    result.add(f"{at}: writes", "", writes.count)
    result.add(f"{at}: events that did not come within 10 s", "", writes.lost)
    for percent in (50, 99):
        value = percentile(writes.from_sending, percent)
        result.add(f"{at}: write due to event at the socket, p{percent}", "ms", value)
    result.add(f"{at}: answer, p99", "ms", percentile(writes.answered, 99))
    result.add(f"{at}: CPU a write", "ms", writes.cpu_ms)
    result.add(f"{at}: generator late by at most", "ms", writes.generator_late)


def _write(session: Session, rate: float, seconds: float) -> Writes:
    calls = session.users.calls("PATCH", "/api/profile", BODY)
    with cpu_of(lambda: session.stack.pids) as cpu:
        outcome = at_rate(
            Workload(session.stack.url(), calls),
            rate,
            seconds,
            is_checked=False,
            sockets=session.users.sockets(),
        )
        asyncio.run(session.stack.settled())
    session.say(f"{rate} writes/s: {len(outcome.received)} events arrived")
    return _paired(outcome, sum(cpu.values()) * 1000)


def _paired(outcome: Outcome, cpu_ms: float) -> Writes:
    failed = not_good(outcome)
    good = [it for it in outcome.answers if it.status // 100 == 2]
    pairs = [(it, outcome.received.get(it.correlation)) for it in good]
    came = [(it, live) for it, live in pairs if live]
    return Writes(
        count=len(outcome.answers),
        errors=", ".join(f"{number} answers {status}" for status, number in failed.items()),
        answered=[it.seconds * 1000 for it in good],
        from_sending=[(live[0] - it.due) * 1000 for it, live in came],
        from_event=[(live[0] - live[1]) * 1000 for _, live in came],
        lost=len(good) - len(came),
        cpu_ms=cpu_ms / max(1, len(outcome.answers)),
        generator_late=outcome.late * 1000,
    )


def _drains(session: Session, result: Result) -> list[float]:
    """Deliveries a second of each round, from the moment that the relay goes on."""
    rates, users = [], session.users.all()
    for number in range(session.rounds(3)):
        with session.stack.frozen("back-workers-relay"):
            asyncio.run(_record(session.stack, users, BACKLOG_EVENTS))
        began = time.monotonic()
        left = asyncio.run(session.stack.settled())
        rates.append(BACKLOG_EVENTS * DELIVERIES_AN_EVENT / (time.monotonic() - began))
        session.say(f"drained {rates[-1]:.0f} deliveries/s")
        if number == 0:
            series = {"open deliveries": left}
            result.plots.append(Plot("A backlog drains", "lines", series, x_title="seconds"))
    return rates


async def _record(stack: BenchStack, users: list[User], events: int) -> None:
    """Store events about profiles of the users, as writes of back-api do."""
    profiles = {user.id: uuid4() for user in users}
    async with stack.client("back-api", "back-postgres") as postgres:
        for first in range(0, events, EVENTS_A_COMMAND):
            command_id = uuid4()
            chosen = [users[(first + it) % len(users)] for it in range(EVENTS_A_COMMAND)]
            made = []
            for user in chosen:
                profile = profiles[user.id]
                payload = ProfileUpdated.model_validate(
                    {
                        "user_id": user.id,
                        "profile_id": profile,
                        "completion": 60,
                        "changed": ["company"],
                    }
                )
                event = NewEvent.of(
                    "profile.updated",
                    payload,
                    aggregate_id=profile,
                    command_id=uuid4(),
                    correlation_id=f"bench-{command_id}",
                )
                made.append(event)
            command = Command[Nothing](command_id=command_id, data=Nothing(), events=made)
            await postgres.post("/events", command, response_model=Recorded)
