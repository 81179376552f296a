"""Which sessions have been revoked, read from a resumable stream within a second.

The stream has a heartbeat. While it is silent, each check asks the service that keeps the sessions
instead; when that fails too, the answer is 503.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from uuid import UUID

import structlog
from pydantic import ValidationError

from shared.kit.errors import ServiceError, Unauthenticated, Unavailable
from shared.kit.http.client import ServiceClient
from shared.models.auth import Revocation, Session

log = structlog.get_logger()

SILENCE_SECONDS = 1.0
KEPT_SECONDS = 1200.0
_RETRY_SECONDS = 0.25
_LONGEST_RETRY_SECONDS = 5.0
_FORGET_SECONDS = 60.0

SessionCheck = Callable[[UUID], Awaitable[bool]]
OnRevocation = Callable[[Revocation], Awaitable[None]]


def session_check(sessions: ServiceClient, path: str) -> SessionCheck:
    """Asks the service that keeps the sessions: `GET <path>/<sid>`, which answers a `Session`."""

    async def is_active(sid: UUID) -> bool:
        session = await sessions.get(f"{path}/{sid}", response_model=Session)
        return session.active

    return is_active


class Revocations:
    """The revocations of the last 20 minutes: longer than an access token is valid.

    `stream` is the path of the stream at the service behind `source`. `is_active(sid)` is asked
    while the stream is silent; it raises a ServiceError when it can't answer.
    """

    def __init__(
        self,
        source: ServiceClient,
        stream: str,
        is_active: SessionCheck,
        *,
        silence: float = SILENCE_SECONDS,
    ) -> None:
        self._source = source
        self._stream = stream
        self._is_active = is_active
        self._silence = silence
        self._since: str | None = None
        self._caught_up = False
        self._received_at = 0.0
        self._sids: dict[UUID, float] = {}
        self._generations: dict[UUID, tuple[int, float]] = {}
        self._watchers: list[OnRevocation] = []
        self._complete = False
        self._forget_at = 0.0

    def watch(self, callback: OnRevocation) -> None:
        """Call `callback` with every revocation that arrives."""
        self._watchers.append(callback)

    @property
    def current(self) -> bool:
        """Whether everything that was revoked up to a second ago is known."""
        return self._caught_up and time.monotonic() - self._received_at <= self._silence

    async def ready(self) -> None:
        """Raises Unavailable until the first snapshot has been read."""
        if not self._complete:
            raise Unavailable("The revocations have not been read yet.")

    async def check(self, sid: UUID, user_id: UUID, generation: int) -> None:
        """See `RevocationCheck`."""
        if self._revoked(sid, user_id, generation) or (
            not self.current and not await self._still_active(sid)
        ):
            raise Unauthenticated("The session has ended. Log in again.", code="session_revoked")

    async def follow(self) -> None:
        """Read the stream for as long as the app runs; resume it where it broke."""
        pause = _RETRY_SECONDS
        while True:
            try:
                await self._read()
            except ServiceError as error:
                log.debug("revocation_stream_silent", reason=error.detail)
                pause = _RETRY_SECONDS
            except ValidationError as error:
                # What it revokes is unknown: load everything again, ask back-auth meanwhile.
                log.error(  # noqa: TRY400  (the traceback would quote the entry)
                    "revocation_unreadable", errors=[e["type"] for e in error.errors()]
                )
                self._since = None
                pause = min(pause * 2, _LONGEST_RETRY_SECONDS)
            finally:
                self._caught_up = False
            await asyncio.sleep(pause)

    async def _read(self) -> None:
        events = self._source.events(self._stream, since=self._since, silence=self._silence)
        async with aclosing(events):
            async for event in events:
                self._received_at = time.monotonic()
                match event.event:
                    case "entry":
                        await self._take(Revocation.model_validate_json(event.data))
                        self._since = event.id
                    case "caught-up":
                        self._since = event.id or self._since
                        self._caught_up = self._complete = True
                self._forget()

    async def _take(self, revocation: Revocation) -> None:
        now = time.monotonic()
        if revocation.sid:
            self._sids[revocation.sid] = now
        if revocation.user_id and revocation.generation:
            known, _ = self._generations.get(revocation.user_id, (0, now))
            self._generations[revocation.user_id] = (max(known, revocation.generation), now)
        for watcher in self._watchers:
            await watcher(revocation)

    async def _still_active(self, sid: UUID) -> bool:
        try:
            return await self._is_active(sid)
        except ServiceError as error:
            raise Unavailable(
                "Whether the session is still active can't be checked at present.", retry_after=1
            ) from error

    def _revoked(self, sid: UUID, user_id: UUID, generation: int) -> bool:
        smallest, _ = self._generations.get(user_id, (0, 0.0))
        return sid in self._sids or generation < smallest

    def _forget(self) -> None:
        if time.monotonic() < self._forget_at:
            return
        self._forget_at = time.monotonic() + _FORGET_SECONDS
        oldest = time.monotonic() - KEPT_SECONDS
        self._sids = {sid: at for sid, at in self._sids.items() if at >= oldest}
        self._generations = {
            user: known for user, known in self._generations.items() if known[1] >= oldest
        }
