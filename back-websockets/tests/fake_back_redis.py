"""back-redis and back-auth as back-websockets sees them, in memory."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from fastapi import FastAPI
from starlette.responses import Response, StreamingResponse

from shared.kit.errors import NotFound, Unavailable
from shared.kit.http.problems import install_problems
from shared.kit.http.server_sent_events import ServerSentEvent
from shared.models.auth import RedeemTicket, Revocation, Session, TicketHolder
from shared.models.base import now
from shared.models.event import EventEnvelope
from shared.models.live import LiveEvent, LiveEvents, position_of

HEARTBEAT_SECONDS = 0.1


class FakeStream:
    """A resumable stream; `forget` drops its oldest entries."""

    def __init__(self, *, newcomers_get_all: bool) -> None:
        self._newcomers_get_all = newcomers_get_all
        self._entries: list[tuple[int, str]] = []
        self.last = 0
        self._changed = asyncio.Condition()

    async def add(self, data: str) -> None:
        async with self._changed:
            self.last += 1
            self._entries.append((self.last, data))
            self._changed.notify_all()

    def forget(self, count: int) -> None:
        del self._entries[:count]

    def lose_memory(self) -> None:
        """Begin anew, as a store that lost its data, with a clock that was set back."""
        self._entries.clear()
        self.last = 0

    def keeps(self, number: int) -> bool:
        return number in [kept for kept, _ in self._entries]

    async def events(self, since: str | None) -> AsyncIterator[ServerSentEvent]:
        position = int(since.split("-")[0]) if since else 0
        if since is None and not self._newcomers_get_all:
            position = self.last
        elif position and not self.keeps(position):
            yield ServerSentEvent("gap", "{}")
            position = 0
        caught_up = False
        while True:
            for number, data in list(self._entries):
                if number > position:
                    position = number
                    yield ServerSentEvent("entry", data, f"{number}-0")
            if not caught_up:
                caught_up = True
                yield ServerSentEvent("caught-up", "{}", f"{position}-0")
            if not await self._grows_beyond(position):
                yield ServerSentEvent("heartbeat", "{}")

    async def _grows_beyond(self, position: int) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARTBEAT_SECONDS), self._changed:
                await self._changed.wait_for(lambda: self.last > position)
                return True
        return False


class FakeBackRedis:
    """back-redis in memory. With `up` set to False it answers 503 and its streams end.

    With `streams_up` set to False only its streams do.
    """

    def __init__(self) -> None:
        self.up = True
        self.streams_up = True
        self.tickets: dict[str, TicketHolder] = {}
        self.kept: dict[UUID, list[tuple[int, EventEnvelope]]] = {}
        self.ended: set[UUID] = set()
        self.ends: dict[UUID, datetime] = {}
        self.asked: list[UUID] = []
        self.auth_up = True
        self.refused = 0
        self.live = FakeStream(newcomers_get_all=False)
        self.revocations = FakeStream(newcomers_get_all=True)
        self.subscribed = 0
        self.before_replay: asyncio.Event | None = None

    def ticket(
        self, user_id: UUID | None = None, sid: UUID | None = None, *, generation: int = 1
    ) -> str:
        """A new ticket of a session, which ends in an hour unless `ends` says otherwise."""
        ticket, sid = uuid4().hex, sid or uuid4()
        holder = TicketHolder(
            user_id=user_id or uuid4(),
            sid=sid,
            generation=generation,
            session_expires_at=self._end_of(sid),
        )
        self.tickets[hashlib.sha256(ticket.encode()).hexdigest()] = holder
        return ticket

    async def publish(self, user_id: UUID, number: int = 0, text: str = "Zoë 🦉") -> EventEnvelope:
        """An event for a user, on the stream and kept for those who come back."""
        envelope = EventEnvelope(
            event_id=uuid4(),
            event_type="profile.created",
            occurred_at=now(),
            correlation_id="correlation-1",
            payload={"number": number, "name": text},
        )
        self.kept.setdefault(user_id, []).append((self.live.last + 1, envelope))
        await self.publish_again(user_id, envelope)
        return envelope

    async def publish_again(self, user_id: UUID, envelope: EventEnvelope) -> None:
        event = LiveEvent(user_id=user_id, envelope=envelope)
        await self.live.add(event.model_dump_json())

    async def revoke(self, revocation: Revocation) -> None:
        await self.revocations.add(revocation.model_dump_json(exclude_none=True))

    def app(self) -> FastAPI:
        api = FastAPI()
        install_problems(api)

        @api.post("/tickets/redeem")
        async def redeem(ticket: RedeemTicket) -> TicketHolder:
            self._must_be_up()
            holder = self.tickets.pop(ticket.ticket_hash, None)
            if holder is None:
                raise NotFound(code="ticket_not_found")
            return holder

        @api.get("/users/{user_id}/live-events")
        async def live_events(user_id: UUID, since: UUID) -> LiveEvents:
            self._must_be_up()
            if self.before_replay:
                await self.before_replay.wait()
            kept = self.kept.get(user_id, [])
            after = next((number for number, it in kept if it.event_id == since), None)
            if position := position_of(since):
                number, _, rest = position.partition("-")
                known = rest == "0" and self.live.keeps(int(number))
                after = int(number) if known else None
            return LiveEvents(
                items=[it for number, it in kept if number > (after or 0)],
                complete=after is not None,
                position=f"{self.live.last}-0",
            )

        @api.get("/streams/{name}")
        async def stream(name: str, since: str | None = None) -> Response:
            self._must_be_up()
            if not self.streams_up:
                raise Unavailable
            streams = {"live": self.live, "revocations": self.revocations}
            return StreamingResponse(
                self._while_up(streams[name].events(since)), media_type="text/event-stream"
            )

        return api

    def auth_app(self) -> FastAPI:
        """The sessions of back-auth."""
        api = FastAPI()
        install_problems(api)

        @api.get("/internal/sessions/{sid}")
        async def session(sid: UUID) -> Session:
            self._must_be_up()
            if not self.auth_up:
                self.refused += 1
                raise Unavailable
            self.asked.append(sid)
            expires_at = self._end_of(sid)
            return Session(
                sid=sid, user_id=None, active=expires_at is not None, expires_at=expires_at
            )

        return api

    def _end_of(self, sid: UUID) -> datetime | None:
        expires_at = self.ends.get(sid, now() + timedelta(hours=1))
        return None if sid in self.ended or expires_at <= now() else expires_at

    async def _while_up(self, events: AsyncIterator[ServerSentEvent]) -> AsyncIterator[bytes]:
        self.subscribed += 1
        try:
            async for event in events:
                if not (self.up and self.streams_up):
                    return
                yield event.encode()
        finally:
            self.subscribed -= 1

    def _must_be_up(self) -> None:
        if not self.up:
            raise Unavailable
