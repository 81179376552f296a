"""The store of responses in memory, with the rules of back-redis but for the times."""

from dataclasses import dataclass
from uuid import UUID

from shared.kit.errors import Conflict, Unavailable
from shared.models.idempotency import (
    AbandonRequest,
    BeginRequest,
    FinishRequest,
    RequestState,
    StoredResponse,
)


@dataclass
class _Held:
    fingerprint: str
    token: UUID
    response: StoredResponse | None = None


class FakeResponses:
    """Responses by command_id; it can't be reached while `down`."""

    def __init__(self) -> None:
        self.held: dict[UUID, _Held] = {}
        self.down = False

    def end_leases(self) -> None:
        """End every hold that has no response, as the time does."""
        self.held = {key: held for key, held in self.held.items() if held.response}

    async def begin(self, request: BeginRequest) -> RequestState:
        self._check()
        held = self.held.setdefault(request.command_id, _Held(request.fingerprint, request.token))
        if held.fingerprint != request.fingerprint:
            return RequestState(state="reused")
        if held.response:
            return RequestState(state="answered", response=held.response)
        return RequestState(state="begun" if held.token == request.token else "running")

    async def finish(self, request: FinishRequest) -> None:
        self._check()
        held = self.held.get(request.command_id)
        if held is None or held.token != request.token:
            raise Conflict(code="lease_lost")
        held.response = held.response or request.response

    async def abandon(self, request: AbandonRequest) -> None:
        self._check()
        held = self.held.get(request.command_id)
        if held and held.token == request.token and not held.response:
            del self.held[request.command_id]

    def _check(self) -> None:
        if self.down:
            raise Unavailable
