"""The services that back-api calls, as small ASGI apps over the fakes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from fake_tools import FakeLaunches, FakeLibrary, FakeTools
from fakes import (
    FakeAuditLog,
    FakeCredentials,
    FakeDeletions,
    FakeDeliveries,
    FakeEvents,
    FakeExports,
    FakeOwnData,
    FakePasswords,
    FakeProfiles,
    FakeRecipients,
    FakeRegistrations,
    FakeTasks,
    FakeTimeline,
    FakeUnreadCounts,
    FakeUsers,
)
from fastapi import FastAPI, Header
from fastapi.responses import Response, StreamingResponse
from jwt.algorithms import RSAAlgorithm
from stub_notifications import add_recipients, add_timeline, add_unread
from stub_tools import add_launches, add_library, add_tools

from features.event_administration.domain import Wanted
from features.user_export.domain import Begun
from services.wanted_users import WantedUsers
from shared.kit.errors import Unavailable
from shared.kit.http.problems import install_problems
from shared.kit.http.server_sent_events import ServerSentEvent
from shared.models.account import (
    CheckPassword,
    DeleteUser,
    PasswordChecked,
    UserRemoved,
)
from shared.models.account_export import AccountRecord
from shared.models.audit import AuditPage
from shared.models.auth import (
    JsonWebKey,
    JsonWebKeySet,
    Revocation,
    Session,
    Sessions,
    TakeTokens,
    TokensTaken,
)
from shared.models.base import now
from shared.models.event import Command, Nothing, Recorded
from shared.models.event_administration import (
    Backlog,
    DeliveriesReplayed,
    DeliveryPage,
    DeliveryState,
    ReplayDeliveries,
    ShownDelivery,
)
from shared.models.export import ExportLink
from shared.models.idempotency import (
    AbandonRequest,
    BeginRequest,
    FinishRequest,
    RequestState,
)
from shared.models.profile import StoredProfile, WriteProfile
from shared.models.registration import NewRegistration, RegistrationStored
from shared.models.task import StartBackgroundTask, StoredTask, StoredTasks
from shared.models.user import (
    CredentialAccepted,
    LookUpUser,
    NewCredential,
    NewUser,
    Role,
    User,
    UserChange,
    UserPage,
    UserStatus,
)
from shared.security.jwt import AccessToken
from shared.security.signing import generate_jwt
from shared.testing.fake_responses import FakeResponses


def _app() -> FastAPI:
    app = FastAPI()
    install_problems(app)

    @app.get("/health/ready")
    async def ready() -> dict[str, str]:
        return {"status": "ok"}

    return app


@dataclass
class StubServices:
    """The stub services and their state, which tests read and change."""

    users: FakeUsers = field(default_factory=FakeUsers)
    registrations: FakeRegistrations = field(default_factory=FakeRegistrations)
    events: FakeEvents = field(default_factory=FakeEvents)
    credentials: FakeCredentials = field(default_factory=FakeCredentials)
    profiles: FakeProfiles = field(default_factory=FakeProfiles)
    audit: FakeAuditLog = field(default_factory=FakeAuditLog)
    tasks: FakeTasks = field(default_factory=FakeTasks)
    exports: FakeExports = field(default_factory=FakeExports)
    responses: FakeResponses = field(default_factory=FakeResponses)
    deliveries: FakeDeliveries = field(default_factory=FakeDeliveries)
    recipients: FakeRecipients = field(default_factory=FakeRecipients)
    timeline: FakeTimeline = field(default_factory=FakeTimeline)
    unread: FakeUnreadCounts = field(default_factory=FakeUnreadCounts)
    tools: FakeTools = field(default_factory=FakeTools)
    launches: FakeLaunches = field(default_factory=FakeLaunches)
    passwords: FakePasswords = field(default_factory=FakePasswords)
    tokens_left: int = 1000
    limits_down: bool = False
    revoked: list[UUID] = field(default_factory=list)
    revocations: asyncio.Queue[Revocation] = field(default_factory=asyncio.Queue)
    seen_correlation: list[str] = field(default_factory=list)
    key: RSAPrivateKey = field(
        default_factory=lambda: generate_private_key(public_exponent=65537, key_size=2048)
    )

    @property
    def library(self) -> FakeLibrary:
        return FakeLibrary(self.tools)

    @property
    def deletions(self) -> FakeDeletions:
        return FakeDeletions(self.users)

    def apps(self) -> dict[str, FastAPI]:
        """The apps by service name."""
        return {
            "back-auth": self._auth(),
            "back-postgres": self._postgres(),
            "back-cassandra": self._cassandra(),
            "back-redis": self._redis(),
            "back-workers": self._workers(),
        }

    def bearer(
        self,
        user_id: UUID,
        *,
        role: str = "user",
        permissions: tuple[str, ...] = (),
        sid: UUID | None = None,
    ) -> dict[str, str]:
        """The header of a logged-in user."""
        access = AccessToken(
            user_id=user_id,
            sid=sid or uuid4(),
            generation=1,
            role=role,
            permissions=frozenset(permissions),
            issued_at=now(),
            expires_at=now() + timedelta(minutes=15),
        )
        token = generate_jwt(access, token_id=uuid4(), key=self.key, kid="k1")
        return {"Authorization": f"Bearer {token}"}

    def _auth(self) -> FastAPI:
        app = _app()

        @app.get("/.well-known/jwks.json")
        async def jwks() -> JsonWebKeySet:
            jwk = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
            return JsonWebKeySet(keys=[JsonWebKey(kid="k1", n=jwk["n"], e=jwk["e"])])

        @app.post("/internal/credentials", status_code=201)
        async def store(body: NewCredential) -> CredentialAccepted:
            return CredentialAccepted(credential_id=await self.credentials.store(body.password))

        @app.post("/internal/password-checks")
        async def check(body: CheckPassword) -> PasswordChecked:
            return PasswordChecked(matches=await self.passwords.matches(body))

        @app.get("/internal/sessions/{sid}")
        async def session(sid: UUID) -> Session:
            return Session(sid=sid, user_id=None, active=sid not in self.revoked)

        return app

    def _postgres(self) -> FastAPI:
        app = _app()

        self._serve_users(app)

        @app.post("/registrations", status_code=201)
        async def register(
            body: Command[NewRegistration], x_correlation_id: str = Header(default="")
        ) -> RegistrationStored:
            self.seen_correlation.append(x_correlation_id)
            await self.registrations.create(body)
            return RegistrationStored(user_id=body.data.user_id)

        @app.post("/events", status_code=201)
        async def record(body: Command[Nothing]) -> Recorded:
            await self.events.record(body)
            return Recorded(event_ids=[event.envelope.event_id for event in body.events])

        self._add_deliveries(app)

        @app.post("/profiles", status_code=201)
        async def create_profile(body: Command[WriteProfile]) -> StoredProfile:
            return await self.profiles.create(body)

        @app.get("/users/{user_id}/profile")
        async def get_profile(user_id: UUID) -> StoredProfile:
            return await self.profiles.get(user_id)

        @app.put("/users/{user_id}/profile")
        async def replace_profile(user_id: UUID, body: Command[WriteProfile]) -> StoredProfile:
            assert body.data.user_id == user_id
            return await self.profiles.replace(body)

        add_recipients(app, self.recipients)
        add_tools(app, self.tools)
        add_library(app, self.library)
        return app

    def _serve_users(self, app: FastAPI) -> None:
        @app.post("/users", status_code=201)
        async def create(body: Command[NewUser]) -> User:
            return await self.users.create(body)

        @app.post("/users/lookup")
        async def lookup(body: LookUpUser) -> User:
            user = await self.users.find(body.email)
            return user or await self.users.get(uuid4())

        @app.get("/users")
        async def users(
            limit: int,
            search: str | None = None,
            role: Role | None = None,
            status: UserStatus | None = None,
            before: str | None = None,
        ) -> UserPage:
            return await self.users.page(WantedUsers(search, role, status), limit, before)

        @app.post("/user-deletions")
        async def delete(body: Command[DeleteUser]) -> UserRemoved:
            await self.deletions.delete(body)
            return UserRemoved(user_id=body.data.user_id)

        @app.get("/users/{user_id}/account-record")
        async def record(user_id: UUID) -> AccountRecord:
            await self.users.get(user_id)
            return await FakeOwnData().account(user_id)

        @app.get("/users/{user_id}")
        async def get(user_id: UUID) -> User:
            return await self.users.get(user_id)

        @app.patch("/users/{user_id}")
        async def change(user_id: UUID, body: Command[UserChange]) -> User:
            return await self.users.change(user_id, body)

    def _add_deliveries(self, app: FastAPI) -> None:
        @app.get("/deliveries")
        async def page(
            limit: int,
            state: DeliveryState | None = None,
            consumer: str | None = None,
            event_type: str | None = None,
            before: str | None = None,
        ) -> DeliveryPage:
            return await self.deliveries.page(Wanted(state, consumer, event_type), limit, before)

        @app.get("/deliveries/backlog")
        async def backlog() -> Backlog:
            return await self.deliveries.backlog()

        @app.get("/deliveries/{delivery_id}")
        async def show(delivery_id: UUID) -> ShownDelivery:
            return await self.deliveries.get(delivery_id)

        @app.post("/deliveries/replay", status_code=202)
        async def replay(body: Command[ReplayDeliveries]) -> DeliveriesReplayed:
            return await self.deliveries.replay(body)

    def _cassandra(self) -> FastAPI:
        app = _app()

        @app.get("/audit/events")
        async def page(
            limit: int, user_id: UUID | None = None, before: str | None = None
        ) -> AuditPage:
            return await self.audit.page(user_id, limit, before)

        add_timeline(app, self.timeline)
        add_launches(app, self.launches)
        return app

    def _redis(self) -> FastAPI:
        app = _app()

        @app.post("/limits/take")
        async def take(body: TakeTokens) -> TokensTaken:
            if self.limits_down:
                raise Unavailable
            self.tokens_left -= 1
            allowed = self.tokens_left >= 0
            return TokensTaken(allowed=allowed, remaining=0, retry_after=0 if allowed else 30)

        @app.get("/users/{user_id}/sessions")
        async def sessions(user_id: UUID) -> Sessions:
            at = now()
            opened = Session(
                sid=uuid4(), user_id=user_id, active=True, created_at=at, last_used_at=at
            )
            return Sessions(items=[opened])

        self._add_responses(app)
        add_unread(app, self.unread)

        @app.get("/streams/revocations")
        async def revocations() -> StreamingResponse:
            async def quiet() -> AsyncIterator[bytes]:
                yield ServerSentEvent("caught-up", "{}", "0-0").encode()
                while True:
                    try:
                        async with asyncio.timeout(0.5):
                            entry = await self.revocations.get()
                    except TimeoutError:
                        yield ServerSentEvent("heartbeat", "{}").encode()
                    else:
                        yield ServerSentEvent("entry", entry.model_dump_json(), "1-0").encode()

            return StreamingResponse(quiet(), media_type="text/event-stream")

        return app

    def _add_responses(self, app: FastAPI) -> None:
        @app.post("/idempotency/begin")
        async def begin(body: BeginRequest) -> RequestState:
            return await self.responses.begin(body)

        @app.post("/idempotency/finish", status_code=204)
        async def finish(body: FinishRequest) -> None:
            await self.responses.finish(body)

        @app.post("/idempotency/abandon", status_code=204)
        async def abandon(body: AbandonRequest) -> None:
            await self.responses.abandon(body)

    def _workers(self) -> FastAPI:
        app = _app()

        @app.post("/tasks", status_code=202)
        async def start(body: StartBackgroundTask) -> StoredTask:
            return await self.tasks.start(body)

        @app.get("/tasks")
        async def page(
            limit: int,
            owner_id: UUID | None = None,
            kind: str | None = None,
            before: str | None = None,
        ) -> StoredTasks:
            return await self.tasks.page(owner_id, kind, limit, before)

        @app.get("/tasks/{task_id}")
        async def get(task_id: UUID) -> StoredTask:
            return await self.tasks.get(task_id)

        @app.delete("/tasks/{task_id}", status_code=202)
        async def cancel(task_id: UUID) -> StoredTask:
            return await self.tasks.cancel(task_id)

        @app.post("/exports/{task_id}/link", status_code=201)
        async def link(task_id: UUID) -> ExportLink:
            return await self.exports.link(task_id)

        @app.get("/exports/download")
        async def download(token: str, tag: str | None = None, start: int = 0) -> Response:
            begun = Begun(tag, start) if tag else None
            async with self.exports.download(token, begun) as file:
                body = b"".join([chunk async for chunk in file.chunks])
                headers = {"Content-Disposition": file.disposition or "", "ETag": file.tag or ""}
                headers |= {"Content-Range": file.part} if file.part else {}
                status = 206 if file.part else 200
                return Response(body, status, headers, media_type="text/csv")

        return app
