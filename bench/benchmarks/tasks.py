"""From the outbox to the start of a Celery task."""

import asyncio
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import uuid4

from load import Workload, at_rate
from plan import Call
from result import Result, Session, Target
from shared.kit.auth.service_identity import AssertionSigner
from shared.kit.http.headers import ASSERTION_HEADER
from shared.models.event import Command, NewEvent, Nothing
from shared.models.registration import UserRegistered

RATE = 50
FULL_SECONDS = 20


def event_to_task(session: Session) -> Result:
    """The event is one that asks for a mail about a registration that has ended, so that the task
    starts, claims its delivery and finds nothing to send.
    """
    stack, seconds = session.stack, session.seconds(FULL_SECONDS)
    correlation = f"bench-{secrets.token_hex(4)}"
    signer = AssertionSigner.from_pem("back-api", stack.secret("back-api", "identity.key"))
    headers = {ASSERTION_HEADER: signer.assertion_for("back-postgres")}
    calls = [
        Call(method="POST", path="/events", headers=headers, body=_event(f"{correlation}-{number}"))
        for number in range(round(RATE * seconds))
    ]
    workload = Workload(stack.url("back-postgres"), calls)
    outcome = at_rate(workload, RATE, seconds, correlation=correlation)
    asyncio.run(stack.settled())
    delays = start_delays(stack.log("back-postgres"), {it.correlation for it in outcome.answers})
    result = Result(notes=[NOTE])
    result.add("events", "", len(outcome.answers))
    result.add("tasks that did not start, by the logs", "", len(outcome.answers) - len(delays))
    last = result.add_percentiles("outbox to task start", delays)
    if len(delays) < len(outcome.answers):
        result.void = f"{len(outcome.answers) - len(delays)} tasks did not start, by the logs"
    result.targets.append(Target(last.name, last.median, 100, last.unit))
    return result


NOTE = (
    "Both times are of the log of back-postgres: the beginning of the request that commits the "
    "event, which is before the commit, and the beginning of the call by which the task takes its "
    "delivery, the first that it does. The event is that of its correlation id."
)


def _event(correlation: str) -> str:
    command_id, user_id = uuid4(), uuid4()
    event = NewEvent.of(
        "user.registered",
        UserRegistered(user_id=user_id),
        aggregate_id=user_id,
        command_id=command_id,
        correlation_id=correlation,
    )
    return Command[Nothing](command_id=command_id, data=Nothing(), events=[event]).model_dump_json()


def start_delays(log: Iterable[Mapping[str, object]], correlations: set[str]) -> list[float]:
    """Milliseconds from the request that stored an event to the one that took its delivery."""
    stored: dict[str, float] = {}
    taken: dict[str, float] = {}
    completed: dict[str, str] = {}
    for entry in log:
        if entry.get("event") != "request":
            continue
        correlation, path = str(entry["correlation_id"]), str(entry["path"])
        ended = datetime.fromisoformat(str(entry["time"])).timestamp() * 1000
        began = ended - float(str(entry["ms"]))
        delivery_id, _, verb = path.removeprefix("/deliveries/").partition("/")
        if verb == "take" and entry["status"] == 200:
            taken.setdefault(delivery_id, began)
        elif correlation in correlations and verb == "complete":
            completed[delivery_id] = correlation
        elif correlation in correlations and path == "/events":
            stored[correlation] = began
    return [taken[it] - stored[completed[it]] for it in taken.keys() & completed.keys()]
