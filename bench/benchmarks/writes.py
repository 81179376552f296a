"""Writes with one event and its two deliveries: to the audit log and to the socket of the user."""

import asyncio
import time
from dataclasses import dataclass
from math import inf
from uuid import UUID, uuid4

from comparison import cpu_of
from load import Workload, at_rate, not_good
from plan import Call
from result import Plot, Result, Session, Target
from shared.models.event import Command, NewEvent, Nothing, Recorded
from shared.models.profile import ProfileUpdated
from stack import BenchStack
from users import User

TARGET_RATE = 120
RATES = {50: 20.0, TARGET_RATE: 60.0, 200: 30.0}
"""Writes a second, and for how many seconds."""

BACKLOG_EVENTS = 3000
EVENTS_A_COMMAND = 20
DELIVERIES_AN_EVENT = 2
LATE_SECONDS = 10
LOST = (inf, 0.0)
BODY = '{"company": "Company {id}"}'


def write_with_events(session: Session) -> Result:
    result = Result()
    levels: list[tuple[float, float]] = []
    for rate, full in RATES.items():
        seconds = session.seconds(full)
        at = f"at {rate}/s for {seconds:.0f} s"
        writes = write_at_rate(session, result, at, profile_writes(session), rate, seconds)
        if writes and rate == TARGET_RATE:
            result.targets += [
                Target(f"events lost or late by 10 s {at}", writes.lost, 0, ""),
                Target(f"live p99 {at}", writes.live_p99, 150, "ms"),
                Target(f"CPU a write {at}", writes.cpu_ms, 6, "ms"),
            ]
        elif not writes and rate <= TARGET_RATE:
            result.void = f"writes {at} were refused"
        levels += [(rate, writes.live_p99)] if writes else []
    drained = result.add("drain of a backlog", "deliveries/s", *_drains(session, result))
    result.targets.append(Target(drained.name, drained.median, 400, drained.unit, "at least"))
    if levels:
        title = "From the write being due to its event at the socket, p99 (ms)"
        result.plots.insert(0, Plot(title, "lines", {"p99": levels}, x_title="writes/s"))
    return result


def event_to_live(session: Session) -> Result:
    result = Result()
    seconds = session.seconds(20)
    if not write_at_rate(session, result, "at 50/s", profile_writes(session), 50, seconds):
        result.void = "writes were refused"
    return result


@dataclass(frozen=True)
class Writes:
    """What became of the writes at one rate."""

    lost: int
    live_p99: float
    cpu_ms: float


def profile_writes(session: Session) -> list[Call]:
    """A change of the profile of each user."""
    return session.users.calls("PATCH", "/api/profile", BODY)


def write_at_rate(
    session: Session, result: Result, at: str, calls: list[Call], rate: float, seconds: float
) -> Writes | None:
    """Make the calls at a rate until all is delivered to the sockets of the users, and add the
    figures; None where a write was refused, which makes them void.
    """
    workload = Workload(session.stack.url(), calls)
    sockets = session.users.sockets()
    with cpu_of(lambda: session.stack.pids) as cpu:
        outcome = at_rate(workload, rate, seconds, is_checked=False, sockets=sockets)
        asyncio.run(session.stack.settled())
    session.say(f"{rate} writes/s: {len(outcome.received)} events arrived")
    if failed := not_good(outcome):
        which = ", ".join(f"{count} times {status}" for status, count in failed.items())
        result.notes.append(f"Void {at}: of {len(outcome.answers)} answers, {which}.")
        return None
    pairs = [(it.due, *outcome.received.get(it.correlation, LOST)) for it in outcome.answers]
    lost = sum(arrived == inf for _, arrived, _ in pairs)
    cpu_ms = sum(cpu.values()) / len(pairs) * 1000
    live = [min(arrived - due, LATE_SECONDS) * 1000 for due, arrived, _ in pairs]
    event = [min(arrived - occurred, LATE_SECONDS) * 1000 for _, arrived, occurred in pairs]
    result.add(f"{at}: writes", "", len(pairs))
    result.add(f"{at}: events lost, or late by 10 s", "", lost)
    live_p99 = result.add_percentiles(f"{at}: write due to event at the socket", live)
    result.add_percentiles(f"{at}: event occurred to event at the socket", event)
    result.add_percentiles(f"{at}: answer", outcome.milliseconds)
    result.add(f"{at}: CPU a write", "ms", cpu_ms)
    result.add(f"{at}: generator late by at most", "ms", outcome.late * 1000)
    return Writes(lost, live_p99.median, cpu_ms)


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
                payload = ProfileUpdated(
                    user_id=UUID(user.id), profile_id=profile, completion=60, changed=["company"]
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
