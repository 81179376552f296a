"""Waits for the end of a session by expiry, which no revocation announces."""

import asyncio
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from shared.kit import ServiceClient
from shared.kit.errors import ServiceError
from shared.kit.http.context import correlated
from shared.models.auth import Session
from shared.models.base import now

log = structlog.get_logger()

LONGEST_SLEEP = timedelta(minutes=1)
"""After which the clock is read again: it may have been set."""

_RETRY_SECONDS = 1.0
_LONGEST_RETRY_SECONDS = 10.0


class SessionExpiry:
    """Asks back-auth for a session at the moment when it would end, as it may have been refreshed.

    While back-auth can't answer, the session counts as standing and the question is repeated.
    """

    def __init__(self, auth: ServiceClient, *, clock: Callable[[], datetime] = now) -> None:
        self._auth = auth
        self._clock = clock

    async def ended(self, sid: UUID, expires_at: datetime) -> None:
        """Return once the session has ended."""
        retry = _RETRY_SECONDS
        while True:
            await self._sleep_until(expires_at)
            try:
                with correlated(None):
                    session = await self._auth.get(
                        f"/internal/sessions/{sid}", response_model=Session
                    )
            except ServiceError as error:
                log.warning("session_not_asked", sid=str(sid), reason=error.code)
                retry = min(retry * 2, _LONGEST_RETRY_SECONDS)
            else:
                if not session.active or session.expires_at is None:
                    return
                retry = _RETRY_SECONDS
                expires_at = session.expires_at
            # Also where the clock of back-redis is behind this one: it answers the same moment.
            await asyncio.sleep(random.uniform(retry / 2, retry))  # noqa: S311  (jitter)

    async def _sleep_until(self, moment: datetime) -> None:
        left = moment - self._clock()
        while left > timedelta():
            await asyncio.sleep(min(left, LONGEST_SLEEP).total_seconds())
            left = moment - self._clock()
