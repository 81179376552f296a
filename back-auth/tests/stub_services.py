"""back-postgres and back-redis as small ASGI apps over the fakes, with the contracts' paths."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

from fastapi import FastAPI, status
from fastapi.responses import StreamingResponse

from shared.kit.errors import NotFound, Unavailable
from shared.kit.http.problems import install_problems
from shared.models.auth import (
    NewSession,
    NewTicket,
    RecordSecurityEvent,
    ReturnTokens,
    RevokeGenerations,
    RevokeSession,
    RotatedSession,
    RotateSession,
    SecurityEventRecorded,
    Session,
    Sessions,
    StoredMailToken,
    TakeTokens,
    TokensTaken,
)
from shared.models.event import Command, Nothing, Recorded
from shared.models.password_reset import ResetPassword
from shared.models.registration import ConfirmRegistration, MailTokenTried, TryMailToken
from shared.models.user import (
    Credential,
    CredentialAccepted,
    LookUpUser,
    Rehash,
    ReplacePassword,
    User,
    UserCredential,
)
from tests.fakes import (
    FakeAccounts,
    FakeCredentials,
    FakeEvents,
    FakeMailTokens,
    FakePasswordStore,
    FakeResets,
    FakeSecurityEvents,
    FakeSessions,
    FakeTickets,
    FakeUsers,
    FakeVerifications,
    PostgresState,
    RedisState,
)

HEARTBEAT_SECONDS = 0.05


def postgres_stub(state: PostgresState) -> FastAPI:
    api = FastAPI()
    install_problems(api)

    @api.get("/health/ready")
    async def ready() -> dict[str, str]:
        state.reach()
        return {"status": "ok"}

    @api.post("/credentials/lookup")
    async def look_up(body: LookUpUser) -> UserCredential:
        found = await FakeAccounts(state).find(body.email)
        if found is None:
            raise NotFound(code="user_not_found")
        return found

    @api.put("/users/{user_id}/credential")
    async def rehash(user_id: UUID, body: Rehash) -> CredentialAccepted:
        if user_id not in state.users:
            raise NotFound(code="user_not_found")
        read = UserCredential(
            user=state.users[user_id], credential_id=body.replaces, password_hash=""
        )
        await FakeAccounts(state).rehash(read, body.password_hash)
        return CredentialAccepted(credential_id=body.credential_id)

    @api.put("/users/{user_id}/password")
    async def replace_password(user_id: UUID, body: Command[ReplacePassword]) -> User:
        return await FakePasswordStore(state).replace(user_id, body)

    @api.post("/credentials", status_code=status.HTTP_201_CREATED)
    async def keep(body: Credential) -> CredentialAccepted:
        await FakeCredentials(state).keep(body.credential_id, body.password_hash)
        return CredentialAccepted(credential_id=body.credential_id)

    _mail_token_routes(api, state)
    _reset_routes(api, state)

    @api.get("/users/{user_id}")
    async def user(user_id: UUID) -> User:
        return await FakeUsers(state).get(user_id)

    return api


def _mail_token_routes(api: FastAPI, state: PostgresState) -> None:
    @api.post("/mail-tokens", status_code=status.HTTP_201_CREATED)
    async def keep_mail_token(body: StoredMailToken) -> StoredMailToken:
        await FakeMailTokens(state).keep(body)
        return body

    @api.post("/mail-tokens/try")
    async def try_mail_token(body: TryMailToken) -> MailTokenTried:
        return await FakeMailTokens(state).use_try(
            body.token_hash, body.purpose, tries_max=body.tries_max
        )

    @api.post("/email-verifications")
    async def verify(body: Command[ConfirmRegistration]) -> User:
        return await FakeVerifications(state).confirm(body)


def _reset_routes(api: FastAPI, state: PostgresState) -> None:
    @api.post("/password-resets")
    async def reset_password(body: Command[ResetPassword]) -> User:
        return await FakeResets(state).reset(body)

    @api.post("/events", status_code=status.HTTP_201_CREATED)
    async def record_events(body: Command[Nothing]) -> Recorded:
        await FakeEvents(state).record(body)
        return Recorded(event_ids=[it.envelope.event_id for it in body.events])


def redis_stub(state: RedisState) -> FastAPI:
    api = FastAPI()
    install_problems(api)
    sessions = FakeSessions(state)

    @api.get("/health/ready")
    async def ready() -> dict[str, str]:
        state.reach()
        return {"status": "ok"}

    @api.post("/sessions", status_code=status.HTTP_201_CREATED)
    async def open_session(body: NewSession) -> Session:
        return await sessions.open(body)

    @api.get("/sessions/{sid}")
    async def session(sid: UUID) -> Session:
        return await sessions.get(sid)

    @api.get("/users/{user_id}/sessions")
    async def of_user(user_id: UUID) -> Sessions:
        return Sessions(items=await sessions.of_user(user_id))

    @api.post("/sessions/{sid}/rotate")
    async def rotate(sid: UUID, body: RotateSession) -> RotatedSession:
        return await sessions.rotate(sid, body)

    @api.post("/sessions/{sid}/revoke", status_code=status.HTTP_204_NO_CONTENT)
    async def revoke(sid: UUID, body: RevokeSession) -> None:
        await sessions.revoke(sid, body.event)

    @api.post("/security-events", status_code=status.HTTP_201_CREATED)
    async def record(body: RecordSecurityEvent) -> SecurityEventRecorded:
        known = len(state.security_events)
        await FakeSecurityEvents(state).record(body.event, once_seconds=body.once_seconds)
        return SecurityEventRecorded(stored=len(state.security_events) > known)

    @api.post("/tickets", status_code=status.HTTP_204_NO_CONTENT)
    async def keep_ticket(body: NewTicket) -> None:
        await FakeTickets(state).keep(
            body.ticket_hash,
            body.user_id,
            body.sid,
            body.generation,
            expires_in=body.expires_in,
        )

    _limit_routes(api, state)

    _revocation_routes(api, state)

    return api


def _revocation_routes(api: FastAPI, state: RedisState) -> None:
    @api.post("/revocations", status_code=status.HTTP_204_NO_CONTENT)
    async def revoke_generations(body: RevokeGenerations) -> None:
        await FakeSessions(state).revoke_generations(body)

    @api.get("/streams/revocations")
    async def revocations() -> StreamingResponse:
        state.reach()
        return StreamingResponse(_revocations(state), media_type="text/event-stream")


def _limit_routes(api: FastAPI, state: RedisState) -> None:
    @api.post("/limits/take")
    async def take(body: TakeTokens) -> TokensTaken:
        state.reach()
        return state.buckets.take(*body.buckets)

    @api.post("/limits/refill", status_code=status.HTTP_204_NO_CONTENT)
    async def give_back(body: ReturnTokens) -> None:
        state.reach()
        if not state.refills:
            raise Unavailable
        state.buckets.give_back(*body.buckets)


async def _revocations(state: RedisState) -> AsyncIterator[str]:
    sent = 0
    while not state.down:
        for revocation in state.revocations[sent:]:
            sent += 1
            yield f"id: {sent}\nevent: entry\ndata: {revocation.model_dump_json()}\n\n"
        yield f"id: {sent}\nevent: caught-up\ndata: {{}}\n\n"
        await asyncio.sleep(HEARTBEAT_SECONDS)
