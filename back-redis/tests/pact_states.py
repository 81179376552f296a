"""The states that consumers name in their pacts, brought about in a real Valkey."""

from uuid import UUID

from shared.models.auth import NewSession, NewTicket, RotateSession, TakeToken
from shared.models.base import now
from shared.models.event import EventEnvelope
from shared.models.live import PublishLive
from shared.testing.pacts.provider import Parameters, SetUp
from stores.limit_store import LimitStore
from stores.live_store import LiveStore
from stores.session_store import SessionStore
from stores.ticket_store import TicketStore

HOUR = 3600


class States:
    """What back-redis can be made to hold."""

    def __init__(
        self, sessions: SessionStore, limits: LimitStore, tickets: TicketStore, live: LiveStore
    ) -> None:
        self._sessions = sessions
        self._limits = limits
        self._tickets = tickets
        self._live = live

    def by_name(self) -> dict[str, SetUp]:
        return {
            "a session stands": self.session,
            "a session was ended": self.ended_session,
            "a user was cut off": self.cut_off,
            "a bucket is empty": self.empty_bucket,
            "a ticket is kept": self.ticket,
            "a live event was published": self.live_event,
        }

    async def session(self, given: Parameters) -> None:
        new = NewSession.model_validate({**given, "expires_in": HOUR})
        await self._sessions.create(new)
        presented, following = new.refresh_hash, given["rotated_to"]
        assert isinstance(following, list)
        for next_hash in map(str, following):
            trade = RotateSession(presented_hash=presented, next_hash=next_hash, expires_in=HOUR)
            await self._sessions.rotate(new.sid, trade)
            presented = next_hash

    async def ended_session(self, given: Parameters) -> None:
        await self._sessions.revoke(UUID(str(given["sid"])))

    async def cut_off(self, given: Parameters) -> None:
        await self._sessions.revoke_all(UUID(str(given["user_id"])))

    async def empty_bucket(self, given: Parameters) -> None:
        take = TakeToken.model_validate(given)
        for _ in range(take.capacity):
            await self._limits.take(
                take.limit, take.key, capacity=take.capacity, window=take.window_seconds
            )

    async def ticket(self, given: Parameters) -> None:
        await self._tickets.keep(NewTicket.model_validate({**given, "expires_in": 30}))

    async def live_event(self, given: Parameters) -> None:
        user_id = UUID(str(given["user_id"]))
        envelope = EventEnvelope(
            event_id=UUID(str(given["event_id"])),
            event_type="profile.created",
            occurred_at=now(),
            correlation_id="correlation-1",
            payload={"user_id": str(user_id)},
        )
        await self._live.publish(PublishLive(user_id=user_id, envelope=envelope))
