"""The services that the workers call, in memory: back-postgres, back-auth and the two others.

`app()` serves the paths of all; it checks no identity and no scope.
"""

import asyncio
from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from fastapi import FastAPI, Response

from outbox_client import Outcome
from shared.kit.errors import Conflict, Gone, NotFound, ServiceError
from shared.kit.http.problems import install_problems
from shared.models.account import ForgetUser, UserForgotten
from shared.models.audit import AuditBatchStored, AuditStored, StoreAudit
from shared.models.auth import (
    AcknowledgeSecurityEvents,
    LoggedOut,
    MailToken,
    MintMailToken,
    RevokeGenerations,
    SecurityEvents,
    StoredSecurityEvent,
)
from shared.models.event import (
    ApplyEvents,
    ClaimDeliveries,
    Command,
    CompleteDelivery,
    Deliveries,
    DeliveriesSettled,
    Delivery,
    EventEnvelope,
    EventsApplied,
    FailDelivery,
    HoldLease,
    NewEvent,
    Nothing,
    OutboxSwept,
    PostponeDelivery,
    Recorded,
    SettleDeliveries,
    SweepOutbox,
    TakeDelivery,
)
from shared.models.export import (
    ExportedUser,
    ExportedUsers,
    KeepDownloadToken,
    RedeemDownloadToken,
    RedeemedDownload,
)
from shared.models.live import (
    LiveBatchPublished,
    LivePublished,
    PublishLive,
    PublishLiveBatch,
)
from shared.models.notification import (
    DueDigest,
    DueDigests,
    FindDueDigests,
    Notification,
    NotificationPage,
    Recipient,
    RecordDigest,
)
from shared.models.registration import Registration, SweepRegistrations
from shared.models.user import SweepCredentials, Swept
from tests.fake_outbox_client import FakeOutboxClient
from tests.fake_tasks import FakeTasks


class FakeServices:
    """The data of the services and the calls to them.

    `audit_down` is what the audit log raises, `audit_answer` what it answers instead (to several
    events `audit_batch_answer`), and `fails_on` the id of an event on which it fails with 500.
    No token is minted for `confirmed` ids. `held` is set when the page number `held_at` of an
    export is asked for; its answer waits for `go_on`.
    """

    def __init__(self, outbox: FakeOutboxClient) -> None:
        self.outbox = outbox
        self.tasks = FakeTasks(outbox)
        self.users: list[ExportedUser] = []
        self.pages = 0
        self.held_at: int | None = None
        self.held = asyncio.Event()
        self.go_on = asyncio.Event()
        self.downloads: dict[str, UUID] = {}
        self.resumes: dict[str, str | None] = {}
        self.registrations: dict[UUID, Registration] = {}
        self.tokens: dict[UUID, str] = {}
        self.audited: list[EventEnvelope] = []
        self.published: list[PublishLive] = []
        self.recipients: dict[UUID, Recipient] = {}
        self.taken: list[EventEnvelope] = []
        self.taking: ServiceError | None = None
        self.applied: dict[str, list[EventEnvelope]] = {
            "launches": [],
            "timeline": [],
            "unread": [],
        }
        self.refused_events: set[UUID] = set()
        self.timeline: list[Notification] = []
        self.digests: list[DueDigest] = []
        self.recorded_digests: dict[UUID, Command[RecordDigest]] = {}
        self.swept: list[int] = []
        self.outbox_sweeps: list[int] = []
        self.swept_outbox: list[int] = []
        self.swept_tokens: list[int] = []
        self.confirmed: set[UUID] = set()
        self.revoked: list[RevokeGenerations] = []
        self.security_events: list[StoredSecurityEvent] = []
        self.counted = 0
        self.recorded: dict[UUID, Command[Nothing]] = {}
        self.refused_by_outbox: dict[UUID, ServiceError] = {}
        self.outbox_down: ServiceError | None = None
        self.audit_down: ServiceError | None = None
        self.audit_answer: Response | None = None
        self.audit_batch_answer: Response | None = None
        self.audit_batches = 0
        self.refused_by_audit: set[UUID] = set()
        self.fails_on: UUID | None = None
        self.forgotten: list[ForgetUser] = []
        self.forgotten_by_redis: list[UUID] = []
        self.left_to_forget = 0

    def add_registration(
        self, user_id: UUID | None = None, *, address_taken: bool = False
    ) -> Registration:
        registration = Registration(
            user_id=user_id or uuid4(),
            email="ada@example.org",
            expires_at=datetime.now(UTC) + timedelta(days=2),
            address_taken=address_taken,
        )
        self.registrations[registration.user_id] = registration
        return registration

    def add_recipient(self, **fields: object) -> Recipient:
        """An active user without profile and preferences, unless `fields` say otherwise."""
        recipient = Recipient.model_validate(
            {
                "user_id": uuid4(),
                "email": "ada@example.org",
                "status": "active",
                "language": None,
                "timezone": None,
                "kinds": {},
                "digest": "off",
            }
            | fields
        )
        self.recipients[recipient.user_id] = recipient
        return recipient

    def app(self) -> FastAPI:
        api = FastAPI()
        install_problems(api)
        self._add_deliveries(api)
        self._add_audit(api)
        self._add_others(api)
        self._add_security_events(api)
        self.tasks.add_to(api)
        self._add_notifications(api)
        self._add_exports(api)
        return api

    def add_security_event(
        self, event_type: str = "auth.logout", user_id: UUID | None = None
    ) -> UUID:
        """Store a security event in back-redis; its id."""
        user_id = user_id or uuid4()
        event = NewEvent.of(
            event_type,
            LoggedOut(user_id=user_id, sid=uuid4()),
            aggregate_id=user_id,
            command_id=uuid4(),
            correlation_id="correlation-1",
        )
        position = int(self.security_events[-1].id[:-2]) + 1 if self.security_events else 1
        stored = StoredSecurityEvent(id=f"{position}-0", event=event)
        self.security_events.append(stored)
        return event.envelope.event_id

    def _add_notifications(self, api: FastAPI) -> None:
        @api.get("/users/{user_id}/recipient")
        async def recipient(user_id: UUID) -> Recipient:
            if user_id not in self.recipients:
                raise NotFound("There is no such user.", code="user_not_found")
            return self.recipients[user_id]

        @api.get("/users/{user_id}/timeline")
        async def timeline(
            user_id: UUID, since: datetime, until: datetime, limit: int
        ) -> NotificationPage:
            mine = self.timeline if user_id in self.recipients else []
            found = [it for it in mine if since <= it.created_at < until]
            return NotificationPage(items=found[:limit], next="more" if found[limit:] else None)

        @api.post("/digests/due")
        async def due_digests(body: FindDueDigests) -> DueDigests:
            zones = {(it.timezone, it.local_date) for it in body.zones}
            had = {(it.data.user_id, it.data.local_date) for it in self.recorded_digests.values()}
            due = [
                it
                for it in self.digests
                if (it.timezone, it.local_date) in zones and (it.user_id, it.local_date) not in had
            ]
            return DueDigests(items=due[: body.limit])

        @api.post("/digests", status_code=201)
        async def record_digest(body: Command[RecordDigest]) -> Recorded:
            self.recorded_digests.setdefault(body.command_id, body)
            return Recorded(event_ids=[it.envelope.event_id for it in body.events])

        @api.post("/internal/notifications/events", status_code=204)
        async def take(body: EventEnvelope) -> None:
            if self.taking:
                raise self.taking
            self.taken.append(body)

        @api.post("/{target}/events")
        async def apply(target: str, body: ApplyEvents) -> EventsApplied:
            refused = [it.event_id for it in body.events if it.event_id in self.refused_events]
            self.applied[target] += [it for it in body.events if it.event_id not in refused]
            return EventsApplied(refused=refused)

    def _add_security_events(self, api: FastAPI) -> None:
        @api.get("/security-events")
        async def read(limit: int, wait_seconds: float, after: str = "0-0") -> SecurityEvents:
            position = int(after[:-2])
            items = [it for it in self.security_events if int(it.id[:-2]) > position]
            return SecurityEvents(items=items[:limit], counted=self.counted)

        @api.post("/security-events/acknowledge", status_code=204)
        async def acknowledge(body: AcknowledgeSecurityEvents) -> None:
            self.security_events = [it for it in self.security_events if it.id not in body.ids]

        @api.post("/events", status_code=201)
        async def record(body: Command[Nothing]) -> Recorded:
            (event,) = body.events
            event_id = event.envelope.event_id
            if error := self.outbox_down or self.refused_by_outbox.get(event_id):
                raise error
            stored = self.recorded.setdefault(body.command_id, body)
            if stored.events != body.events:
                raise Conflict(code="command_reused")
            return Recorded(event_ids=[event_id])

    def add_users(self, count: int) -> None:
        """Users with random ids; every cell of a profile needs care in a CSV file."""
        for number in range(count):
            user = ExportedUser(
                id=uuid4(),
                email=f"user-{number}@example.org",
                role="user",
                status="active",
                created_at=datetime(2026, 1, 1, tzinfo=UTC),
                first_name='=HYPERLINK("x")',
                last_name="Ñandú, \u2603",
            )
            self.users.append(user)
        self.users.sort(key=lambda user: user.id)

    def _add_exports(self, api: FastAPI) -> None:
        @api.get("/exported-users")
        async def page(limit: int, after: UUID | None = None) -> ExportedUsers:
            self.pages += 1
            if self.pages == self.held_at:
                self.held.set()
                await self.go_on.wait()
            start = bisect_right(self.users, after or UUID(int=0), key=lambda user: user.id)
            return ExportedUsers(items=self.users[start : start + limit])

        @api.post("/download-tokens", status_code=204)
        async def keep(body: KeepDownloadToken) -> None:
            self.downloads[body.token_hash] = body.task_id

        @api.post("/download-tokens/redeem")
        async def redeem(body: RedeemDownloadToken) -> RedeemedDownload:
            used = self.resumes.setdefault(body.token_hash, body.resume_hash)
            if body.token_hash not in self.downloads or used != body.resume_hash:
                raise Gone(code="link_expired")
            return RedeemedDownload(task_id=self.downloads[body.token_hash])

    def _add_deliveries(self, api: FastAPI) -> None:
        outbox = self.outbox

        def held(delivery_id: UUID, lease_token: UUID) -> Delivery:
            row = outbox._row(delivery_id)
            return Delivery(
                delivery_id=delivery_id,
                consumer=row.consumer,
                attempts=row.attempts,
                lease_token=lease_token,
                lease_until=datetime.now(UTC),
                envelope=row.envelope,
            )

        @api.post("/deliveries/claim")
        async def claim(body: ClaimDeliveries) -> Deliveries:
            outbox.lease_seconds = body.lease_seconds
            items = await outbox.claim(
                body.consumers,
                limit=body.limit,
                wait_seconds=body.wait_seconds,
                in_batches=body.in_batches,
            )
            return Deliveries(items=items)

        @api.post("/deliveries/settle")
        async def settle(body: SettleDeliveries) -> DeliveriesSettled:
            outcomes: list[Outcome] = [
                *body.completed,
                *body.failed,
                *body.postponed,
                *body.released,
            ]
            return DeliveriesSettled(lost=await outbox.settle(outcomes))

        @api.post("/deliveries/{delivery_id}/take")
        async def take(delivery_id: UUID, body: TakeDelivery) -> Delivery:
            outbox.lease_seconds = body.lease_seconds
            return await outbox.take(delivery_id)

        @api.post("/deliveries/{delivery_id}/renew", status_code=204)
        async def renew(delivery_id: UUID, body: HoldLease) -> None:
            outbox.lease_seconds = body.lease_seconds
            await outbox.renew(held(delivery_id, body.lease_token))

        @api.post("/deliveries/{delivery_id}/complete", status_code=204)
        async def complete(delivery_id: UUID, body: CompleteDelivery) -> None:
            await outbox.complete(held(delivery_id, body.lease_token))

        @api.post("/deliveries/{delivery_id}/fail", status_code=204)
        async def fail(delivery_id: UUID, body: FailDelivery) -> None:
            await outbox.fail(
                held(delivery_id, body.lease_token),
                body.error,
                final=body.final,
                event_at_fault=body.event_at_fault,
                retry_seconds=body.retry_seconds,
            )

        @api.post("/deliveries/{delivery_id}/postpone", status_code=204)
        async def postpone(delivery_id: UUID, body: PostponeDelivery) -> None:
            await outbox.postpone(held(delivery_id, body.lease_token), body.pause_seconds)

    def _add_audit(self, api: FastAPI) -> None:
        @api.post("/audit/events", status_code=201, response_model=AuditStored)
        async def audit(body: EventEnvelope) -> AuditStored | Response:
            if body.event_id == self.fails_on:
                raise ServiceError
            if self.audit_answer:
                return self.audit_answer
            if self.audit_down:
                raise self.audit_down
            self._keep([body])
            return AuditStored(event_id=body.event_id)

        @api.post("/audit/events/batch", response_model=AuditBatchStored)
        async def audit_batch(body: StoreAudit) -> AuditBatchStored | Response:
            self.audit_batches += 1
            if self.audit_batch_answer:
                return self.audit_batch_answer
            if self.fails_on in {event.event_id for event in body.events}:
                raise ServiceError
            if self.audit_down:
                raise self.audit_down
            refused = [it.event_id for it in body.events if it.event_id in self.refused_by_audit]
            self._keep([it for it in body.events if it.event_id not in refused])
            return AuditBatchStored(refused=refused)

    def _keep(self, events: list[EventEnvelope]) -> None:
        self.audited += [event for event in events if event not in self.audited]

    def _publish(self, event: PublishLive) -> LivePublished:
        duplicate = event in self.published
        self.published += [] if duplicate else [event]
        return LivePublished(stream_id="1-0", duplicate=duplicate)

    def _add_sweeps(self, api: FastAPI) -> None:
        @api.post("/credentials/sweep")
        async def sweep(body: SweepCredentials) -> Swept:
            self.swept.append(body.older_than_seconds)
            return Swept(removed=3)

        @api.post("/outbox/sweep")
        async def sweep_outbox(body: SweepOutbox) -> OutboxSwept:
            self.swept_outbox.append(body.done_older_than_seconds)
            left = self.outbox_sweeps.pop(0) if self.outbox_sweeps else 0
            return OutboxSwept(deliveries=left, events=left, commands=0)

        @api.post("/registrations/sweep")
        async def sweep_registrations(body: SweepRegistrations) -> Swept:
            self.swept_tokens.append(body.older_than_seconds)
            return Swept(removed=2)

    def _add_forgotten(self, api: FastAPI) -> None:
        @api.post("/outbox/forget")
        async def forget(body: ForgetUser) -> UserForgotten:
            if self.outbox_down:
                raise self.outbox_down
            self.forgotten.append(body)
            complete = self.left_to_forget == 0
            self.left_to_forget -= 0 if complete else 1
            return UserForgotten(commands=1, deliveries=0, events=0, complete=complete)

        @api.delete("/users/{user_id}", status_code=204)
        async def forget_responses(user_id: UUID) -> None:
            self.forgotten_by_redis.append(user_id)

    def _add_others(self, api: FastAPI) -> None:
        @api.get("/registrations/{user_id}")
        async def registration(user_id: UUID) -> Registration:
            if user_id not in self.registrations:
                raise NotFound("There is no such registration.", code="registration_not_found")
            return self.registrations[user_id]

        @api.post("/internal/mail-tokens", status_code=201)
        async def mint(body: MintMailToken) -> MailToken:
            if body.user_id in self.confirmed:
                raise NotFound("There is no such registration.", code="registration_not_found")
            token = self.tokens.setdefault(body.event_id, f"token-{len(self.tokens)}")
            return MailToken(token=token, expires_at=datetime.now(UTC) + timedelta(days=1))

        @api.post("/live/events", status_code=201)
        async def live(body: PublishLive) -> LivePublished:
            return self._publish(body)

        @api.post("/live/events/batch")
        async def live_batch(body: PublishLiveBatch) -> LiveBatchPublished:
            return LiveBatchPublished(published=[self._publish(event) for event in body.events])

        @api.post("/revocations", status_code=204)
        async def revoke(body: RevokeGenerations) -> None:
            self.revoked.append(body)

        self._add_sweeps(api)
        self._add_forgotten(api)
