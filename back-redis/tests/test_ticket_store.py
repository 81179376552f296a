"""Socket tickets are redeemed once."""

import asyncio
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from shared.kit.errors import NotFound
from shared.models.auth import NewTicket, TicketHolder
from shared.testing.sessions import new_session
from shared.testing.waiting import until
from stores.session_store import SessionStore
from stores.ticket_store import TicketStore


def new_ticket(expires_in: int = 30) -> NewTicket:
    return NewTicket(
        ticket_hash="a" * 64, user_id=uuid4(), sid=uuid4(), generation=2, expires_in=expires_in
    )


class TestRedeem:
    async def test_returns_the_holder_once(self, tickets: TicketStore) -> None:
        ticket = new_ticket()
        await tickets.keep(ticket)
        holder = await tickets.redeem(ticket.ticket_hash)
        assert holder == TicketHolder(user_id=ticket.user_id, sid=ticket.sid, generation=2)
        with pytest.raises(NotFound) as again:
            await tickets.redeem(ticket.ticket_hash)
        assert again.value.code == "ticket_not_found"

    async def test_tells_when_the_session_ends(
        self, tickets: TicketStore, sessions: SessionStore
    ) -> None:
        session = await sessions.create(new_session())
        ticket = new_ticket().model_copy(update={"sid": session.sid})
        await tickets.keep(ticket)
        holder = await tickets.redeem(ticket.ticket_hash)
        assert holder.session_expires_at == session.expires_at
        await tickets.keep(ticket)
        await sessions.revoke(session.sid)
        assert (await tickets.redeem(ticket.ticket_hash)).session_expires_at is None

    async def test_of_ten_at_once_one_gets_it(self, tickets: TicketStore) -> None:
        await tickets.keep(new_ticket())
        redeemed = await asyncio.gather(
            *(tickets.redeem("a" * 64) for _ in range(10)), return_exceptions=True
        )
        assert [isinstance(answer, TicketHolder) for answer in redeemed].count(True) == 1

    async def test_expires(self, tickets: TicketStore, raw: Redis) -> None:
        await tickets.keep(new_ticket(expires_in=1))

        async def gone() -> bool:
            return not await raw.keys("ticket:*")

        await until(gone)
        with pytest.raises(NotFound):
            await tickets.redeem("a" * 64)
