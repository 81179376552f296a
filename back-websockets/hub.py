"""The open sockets of this process, by user."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import socket_events
from live_socket import RESTARTING, SESSION_ENDED, LiveSocket, Message, Position
from settings import Settings
from shared.kit.errors import TooManyRequests, Unavailable
from shared.kit.http.token_buckets import LocalTokenBuckets
from shared.models.auth import Revocation, TicketHolder, TokenBucket
from shared.models.live import LiveEvent


class Hub:
    """Sends events to the sockets of their user, and closes those of revoked sessions."""

    def __init__(self, settings: Settings) -> None:
        self._sockets: dict[UUID, set[LiveSocket]] = {}
        self._per_user = settings.sockets_per_user
        self._queue_size = settings.socket_queue
        self._queue_bytes = settings.socket_queue_bytes
        self._reconnect_spread = settings.reconnect_spread_seconds
        self._ticket_seconds = settings.ticket_seconds
        self._messages_per_second = settings.messages_per_second
        self._messages = LocalTokenBuckets()
        self._draining = False
        self._changed = asyncio.Event()

    async def ready(self) -> None:
        """Raises Unavailable once the sockets are drained."""
        if self._draining:
            raise Unavailable("The service restarts.", retry_after=1)

    @contextmanager
    def joined(self, holder: TicketHolder) -> Iterator[LiveSocket]:
        """Register a new socket, which gets events until the block ends.

        Raises:
            TooManyRequests: `too_many_sockets`, the user has as many as are allowed.
        """
        mine = self._sockets.setdefault(holder.user_id, set())
        if len(mine) >= self._per_user:
            raise TooManyRequests(
                f"At most {self._per_user} sockets may be open at once.",
                code="too_many_sockets",
                retry_after=self._ticket_seconds,
            )
        socket = LiveSocket(holder, queue_size=self._queue_size, queue_bytes=self._queue_bytes)
        mine.add(socket)
        try:
            yield socket
        finally:
            mine.remove(socket)
            if not mine:
                del self._sockets[holder.user_id]
            self._changed.set()

    def deliver(self, event: LiveEvent, position: Position) -> None:
        """Queue the event at every socket of its user."""
        if sockets := self._sockets.get(event.user_id):
            message = Message.of(event.envelope, position)
            for socket in sockets:
                socket.offer(message)

    def resync(self) -> None:
        """Send every socket the resync event: events may be missing."""
        message = socket_events.resync()
        for sockets in self._sockets.values():
            for socket in sockets:
                socket.offer(message)

    async def drain(self) -> None:
        """Ask every client to reconnect, each at a moment of its own, and close all sockets."""
        self._draining = True
        for sockets in self._sockets.values():
            for socket in sockets:
                after = random.uniform(0, self._reconnect_spread)  # noqa: S311 - no secret
                socket.end_after(socket_events.reconnect(round(after, 2)), RESTARTING)
        while self._sockets:
            self._changed.clear()
            await self._changed.wait()

    async def close_revoked(self, revocation: Revocation) -> None:
        """Close the sockets of a revoked session, or of revoked generations of a user."""
        for sockets in self._sockets.values():
            for socket in sockets:
                if self._ends(revocation, socket):
                    socket.end(SESSION_ENDED)

    def may_send(self, user_id: UUID) -> bool:
        """Whether the user may send one more message now, over all sockets together."""
        bucket = TokenBucket(
            limit="messages",
            key=str(user_id),
            capacity=self._messages_per_second,
            window_seconds=1,
        )
        return self._messages.take(bucket).allowed

    def _ends(self, revocation: Revocation, socket: LiveSocket) -> bool:
        if revocation.sid == socket.sid:
            return True
        if revocation.user_id != socket.user_id or revocation.generation is None:
            return False
        return socket.generation < revocation.generation
