from uuid import uuid4

from features.live_notifications.domain import TicketService
from services.secret_service import secret_hash
from tests.conftest import Stack, bearer
from tests.fakes import FakeTickets, RedisState


async def test_only_the_hash_of_a_ticket_is_kept(redis: RedisState) -> None:
    user_id, sid = uuid4(), uuid4()
    ticket = await TicketService(FakeTickets(redis), expires_in=30).issue(user_id, sid, 3)
    kept = redis.tickets[secret_hash(ticket)]
    assert (kept.user_id, kept.sid, kept.generation, kept.expires_in) == (user_id, sid, 3, 30)
    assert ticket not in str(redis)


async def test_a_user_gets_a_ticket_for_the_present_session(stack: Stack) -> None:
    user = await stack.add_user()
    access, refresh = await stack.tokens()
    reply = await stack.client.post("/auth/ws-ticket", headers=bearer(access))
    assert reply.status == 201
    assert reply.headers["cache-control"] == "no-store"
    assert reply.json()["expires_in"] == 30
    kept = stack.redis.tickets[secret_hash(str(reply.json()["ticket"]))]
    assert (kept.user_id, str(kept.sid)) == (user.id, refresh.partition(".")[0])


async def test_two_tickets_are_two(stack: Stack) -> None:
    await stack.add_user()
    access, _ = await stack.tokens()
    for _ in range(2):
        await stack.client.post("/auth/ws-ticket", headers=bearer(access))
    assert len(stack.redis.tickets) == 2


async def test_nobody_gets_one_without_a_token(stack: Stack) -> None:
    assert (await stack.client.post("/auth/ws-ticket")).status == 401
