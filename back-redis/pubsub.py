"""The streams and their fan-out.

One blocking read a process follows all streams and queues each entry for every subscriber. A
subscriber first gets the entries that it missed, then `caught-up`, then entries as they are added,
and heartbeats while Valkey answers. Its response ends when Valkey stops answering, however shortly,
or its queue is full; it then reconnects with the last id that it received, and learns whether
Valkey lost entries.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from settings import Settings
from shared.kit.errors import NotFound, Unavailable
from shared.kit.http.server_sent_events import ServerSentEvent
from shared.models.auth import Revocation
from stores.live_store import LIVE
from stores.security_event_store import SECURITY_EVENTS
from stores.session_store import REVOCATIONS
from valkey_client import Entry, ValkeyClient

log = structlog.get_logger()

BEGINNING = "0-0"
HEARTBEAT = ServerSentEvent("heartbeat", "{}")
GAP = ServerSentEvent("gap", "{}")

_PAGE = 500
_RECONNECT_SECONDS = 0.2


Fields = dict[str, str]


def _revocation(fields: Fields) -> str:
    return Revocation.model_validate(fields).model_dump_json(exclude_none=True)


def _live_event(fields: Fields) -> str:
    return fields["event"]


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream: its key, how the fields of an entry become JSON, and where reading begins.

    `from_start` is for subscribers without a last id: all kept entries, or only those to come.
    """

    key: str
    data: Callable[[Fields], str]
    from_start: bool


STREAMS = {
    "revocations": Stream(REVOCATIONS, _revocation, from_start=True),
    "live": Stream(LIVE, _live_event, from_start=False),
}


_WATCHED = (SECURITY_EVENTS,)
"""Keys of streams that nobody subscribes to, but whose new entries are waited for."""


@dataclass(eq=False)
class Subscriber:
    """The queued entries of a subscriber; `ended` once some may have been missed.

    Nothing is queued after that: the subscriber would take it for the next entry, resume behind it
    and never get those between.
    """

    queue: asyncio.Queue[Entry | None]
    ended: bool = field(default=False)

    def offer(self, entry: Entry) -> None:
        self.ended = self.ended or self.queue.full()
        if not self.ended:
            self.queue.put_nowait(entry)

    def end(self) -> None:
        """End it at once, where it waits for an entry."""
        self.ended = True
        if self.queue.empty():
            self.queue.put_nowait(None)

    async def next(self, within: float) -> Entry | None:
        """The next entry, or None when there is none for `within` seconds."""
        try:
            async with asyncio.timeout(within):
                return await self.queue.get()
        except TimeoutError:
            return None


class PubSub:
    """The subscriptions of this process; `stopping` ends all of them."""

    def __init__(self, valkey: ValkeyClient, settings: Settings, stopping: asyncio.Event) -> None:
        self._valkey = valkey
        self._stopping = stopping
        self._heartbeat = settings.heartbeat_ms / 1000
        self._max_silence = settings.silence_ms / 1000
        self._wait_ms = settings.heartbeat_ms // 2
        self._queue_size = settings.subscriber_queue
        self._answered_at: float | None = None
        keys = [*(stream.key for stream in STREAMS.values()), *_WATCHED]
        self._subscribers: dict[str, set[Subscriber]] = {key: set() for key in keys}

    @property
    def following(self) -> bool:
        """Whether every entry that is older than `silence_ms` has been queued for subscribers."""
        return (
            self._answered_at is not None
            and time.monotonic() - self._answered_at <= self._max_silence
            and not self._stopping.is_set()
        )

    async def follow(self) -> None:
        """Read the streams until the app stops; an outage ends all subscriptions.

        Valkey may have lost what was not read yet. Each subscriber finds out as it resumes.
        """
        while True:
            try:
                await self._read_on()
            except Unavailable:
                if self._answered_at is not None:
                    log.warning("streams_lost")
                self._answered_at = None
                for subscriber in itertools.chain(*self._subscribers.values()):
                    subscriber.end()
                await asyncio.sleep(_RECONNECT_SECONDS)

    async def ready(self) -> None:
        """Raises Unavailable while the streams are not followed."""
        if not self.following:
            raise Unavailable("The streams are not followed at present.", retry_after=1)

    async def subscribe(
        self, name: str, since: str | None
    ) -> AsyncGenerator[ServerSentEvent, None]:
        """The events of a stream after the id `since`.

        Raises:
            NotFound: `stream_not_found`.
            Unavailable: the streams are not followed at present.
        """
        stream = STREAMS.get(name)
        if stream is None:
            raise NotFound("There is no such stream.", code="stream_not_found")
        await self.ready()
        return self._events(stream, since)

    @contextmanager
    def watched(self, key: str) -> Iterator[Callable[[float], Awaitable[None]]]:
        """What waits until an entry was added to a stream since the block began.

        It waits at most the seconds that it is given, and not when the streams are not followed.
        """
        with self._subscribed(key) as subscriber:

            async def added(within: float) -> None:
                ends_at = time.monotonic() + within
                left = within
                while self.following and not subscriber.ended and left > 0:
                    if await subscriber.next(min(left, self._heartbeat)):
                        return
                    left = ends_at - time.monotonic()

            yield added

    async def _events(
        self, stream: Stream, since: str | None
    ) -> AsyncGenerator[ServerSentEvent, None]:
        position = since or BEGINNING
        with self._subscribed(stream.key) as subscriber:
            try:
                async for event in self._missed(stream, since):
                    position = event.id or BEGINNING
                    yield event
            except Unavailable:
                return
            while self.following and not subscriber.ended:
                entry = await subscriber.next(self._heartbeat)
                if entry is None:
                    if self.following and not subscriber.ended:
                        yield HEARTBEAT
                elif _order(entry[0]) > _order(position):
                    yield _event(stream, entry)

    async def _missed(
        self, stream: Stream, since: str | None
    ) -> AsyncGenerator[ServerSentEvent, None]:
        """The kept entries after `since`, then `caught-up`; `gap` first when some are not kept."""
        position = since or BEGINNING
        if since is None and not stream.from_start:
            position = await self._valkey.last_id(stream.key)
        elif _order(position) > _order(BEGINNING):
            kept = await self._valkey.entries(stream.key, position, 1)
            if not kept or kept[0][0] != position:
                position = BEGINNING
                yield GAP
        page = await self._valkey.entries(stream.key, f"({position}", _PAGE)
        while page:
            for entry in page:
                yield _event(stream, entry)
            position = page[-1][0]
            page = await self._valkey.entries(stream.key, f"({position}", _PAGE)
        yield ServerSentEvent("caught-up", "{}", position)

    async def _read_on(self) -> None:
        positions = {key: await self._valkey.last_id(key) for key in self._subscribers}
        while True:
            found = await self._valkey.wait_for_entries(positions, wait_ms=self._wait_ms)
            if self._answered_at is None:
                log.info("streams_followed")
            self._answered_at = time.monotonic()
            for key, entries in found.items():
                positions[key] = entries[-1][0]
                for subscriber in self._subscribers[key]:
                    for entry in entries:
                        subscriber.offer(entry)

    @contextmanager
    def _subscribed(self, key: str) -> Iterator[Subscriber]:
        subscriber = Subscriber(asyncio.Queue(self._queue_size))
        self._subscribers[key].add(subscriber)
        try:
            yield subscriber
        finally:
            self._subscribers[key].remove(subscriber)


def _event(stream: Stream, entry: Entry) -> ServerSentEvent:
    return ServerSentEvent("entry", stream.data(entry[1]), entry[0])


def _order(stream_id: str) -> tuple[int, int]:
    """The sort key of a stream id, `milliseconds-sequence`."""
    milliseconds, _, sequence = stream_id.partition("-")
    return int(milliseconds), int(sequence or 0)
