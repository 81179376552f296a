"""What the outbox keeps: what waits, dead letters for a while, and the rest for a week."""

from uuid import UUID

from database import BATCH_ROWS, Database
from tests.builders import event, recording
from tests.callers import Callers

DAY = 86_400
ASKED = {"done_older_than_seconds": 7 * DAY, "dead_older_than_seconds": 90 * DAY}


async def stored(service: Callers, database: Database, state: str, days: int) -> UUID:
    """An event of that age, whose delivery is in that state; its id."""
    command = recording(event("user.registered"))
    assert (await service.api("POST", "/events", command)).status == 201
    event_id = command.events[0].envelope.event_id
    await database.rows(
        "UPDATE deliveries SET delivery_id = uuidv7(make_interval(days => -($1::int))), state = $2,"
        " done_at = CASE WHEN $2 = 'done' THEN now() END, lease_token = gen_random_uuid()"
        " WHERE event_id = $3 RETURNING 1",
        days,
        state,
        event_id,
    )
    await database.rows(
        "UPDATE commands SET created_at = now() - make_interval(days => $1::int)"
        " WHERE command_id = $2 RETURNING 1",
        days,
        command.command_id,
    )
    return event_id


async def kept(database: Database) -> set[UUID]:
    return {row["event_id"] for row in await database.rows("SELECT event_id FROM events")}


async def test_what_waits_and_what_is_young_stays(service: Callers, database: Database) -> None:
    await stored(service, database, "done", 8)
    await stored(service, database, "dead", 91)
    left = {
        await stored(service, database, "done", 6),
        await stored(service, database, "dead", 8),
        await stored(service, database, "pending", 100),
        await stored(service, database, "leased", 100),
    }

    reply = await service.workers("POST", "/outbox/sweep", ASKED)

    consumers = 2
    assert reply.json() == {"deliveries": 2 * consumers, "events": 2, "commands": 5}
    assert await kept(database) == left


async def test_an_event_goes_with_its_last_delivery(service: Callers, database: Database) -> None:
    event_id = await stored(service, database, "done", 8)
    await database.rows(
        "UPDATE deliveries SET state = 'pending', done_at = NULL"
        " WHERE event_id = $1 AND consumer = 'mail' RETURNING 1",
        event_id,
    )
    swept = (await service.workers("POST", "/outbox/sweep", ASKED)).json()
    assert (swept["deliveries"], swept["events"]) == (1, 0)
    assert await kept(database) == {event_id}


async def test_goes_batch_by_batch(service: Callers, database: Database) -> None:
    count = BATCH_ROWS + 3
    await database.rows(
        "WITH added AS (INSERT INTO events (event_id, event_type, version, aggregate_id,"
        " occurred_at, correlation_id, payload) SELECT gen_random_uuid(), 'user.registered', 1,"
        " gen_random_uuid(), now(), 'c', '{}' FROM generate_series(1, $1::int) RETURNING *)"
        " INSERT INTO deliveries (delivery_id, event_id, consumer, aggregate_id, position, state,"
        " done_at) SELECT uuidv7(interval '-8 days'), event_id, 'mail', aggregate_id, position,"
        " 'done', now() FROM added RETURNING 1",
        count,
    )
    swept = (await service.workers("POST", "/outbox/sweep", ASKED)).json()
    assert (swept["deliveries"], swept["events"]) == (count, count)
    assert (await service.workers("POST", "/outbox/sweep", ASKED)).json()["deliveries"] == 0


async def test_nothing_is_removed_within_a_day(service: Callers) -> None:
    reply = await service.workers("POST", "/outbox/sweep", ASKED | {"done_older_than_seconds": 60})
    assert reply.status == 422
