"""What back-api asks back-postgres: users, profiles, events, deliveries."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from uuid import UUID

import pytest

from features.event_administration.domain import Wanted
from features.event_administration.infrastructure import PostgresDeliveries
from features.notifications.infrastructure import PostgresRecipients
from features.profile.infrastructure import PostgresProfiles
from features.user_registration.infrastructure import PostgresRegistrations
from services.postgres_events import PostgresEvents
from services.postgres_users import PostgresUsers
from shared.kit.errors import Conflict, NotFound
from shared.models.audit import AuditRead
from shared.models.base import EventPayload
from shared.models.event import Command, NewEvent, Nothing
from shared.models.event_administration import DeliveryReplayed, ReplayDeliveries
from shared.models.notification import KindPreference, WritePreferences
from shared.models.profile import ProfileCreated, WriteProfile
from shared.models.registration import NewRegistration, UserRegistered
from shared.models.user import LookUpUser, NewUser, UserChange, UserRoleChanged
from shared.testing.pacts import ConsumerPact, exactly, recorded, refusal, reply, state
from shared.testing.pacts.matching import State

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
COMMAND = UUID("d0000000-0000-4000-8000-000000000001")
CREDENTIAL = UUID("c0000000-0000-4000-8000-000000000001")
DELIVERY = UUID("e0000000-0000-4000-8000-000000000001")
EMAIL = "ada@example.org"
EVENT = UUID("f0000000-0000-4000-8000-000000000001")
PROFILE = UUID("b0000000-0000-4000-8000-000000000001")
USER = UUID("a0000000-0000-4000-8000-000000000001")

READ_USER = {
    "id": exactly(USER),
    "email": exactly(EMAIL),
    "role": "user",
    "status": exactly("active"),
    "version": 1,
    "created_at": NOON,
}
WRITTEN = WriteProfile(
    profile_id=PROFILE,
    user_id=USER,
    first_name="Ada",
    last_name="Lovelace",
    display_name="Ada",
    company="Analytical Engines",
    job_title="Programmer",
    language="en",
    timezone="Europe/London",
    completion=100,
)
READ_PROFILE = WRITTEN.model_dump(exclude={"profile_id"}) | {
    "id": exactly(PROFILE),
    "version": 1,
    "created_at": NOON,
    "updated_at": NOON,
}


@pytest.fixture(scope="module")
def pact(request: pytest.FixtureRequest) -> Iterator[ConsumerPact]:
    with recorded(request, "back-api", "back-postgres") as pact:
        yield pact


def a_user() -> State:
    return state("a user exists", id=USER, email=EMAIL, role="user", status="active")


def a_profile() -> State:
    return state("a user has a profile", **WRITTEN.model_dump())


def event(event_type: str, payload: EventPayload) -> NewEvent:
    return NewEvent.of(
        event_type,
        payload,
        aggregate_id=USER,
        command_id=COMMAND,
        correlation_id="correlation-1",
        occurred_at=NOON,
    )


class TestEvents:
    async def test_record(self, pact: ConsumerPact) -> None:
        read = AuditRead(actor_id=USER, subject_id=None, network="192.0.2.1")
        command = Command[Nothing](
            command_id=COMMAND, data=Nothing(), events=[event("audit.read", read)]
        )
        async with pact.exchange(
            "an event to record",
            asks="POST /events",
            sends=command,
            answers=reply(201, {"event_ids": [command.events[0].envelope.event_id]}),
        ) as postgres:
            await PostgresEvents(postgres).record(command)


class TestUsers:
    async def test_by_id(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a user by id",
            given=[a_user()],
            asks=f"GET /users/{USER}",
            answers=reply(200, READ_USER),
        ) as postgres:
            assert (await PostgresUsers(postgres).get(USER)).email == EMAIL

    async def test_an_unknown_id(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a user whom nobody knows by id",
            asks=f"GET /users/{USER}",
            answers=refusal(404, "user_not_found"),
        ) as postgres:
            with pytest.raises(NotFound, match="user_not_found"):
                await PostgresUsers(postgres).get(USER)

    async def test_by_address(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a user by address",
            given=[a_user()],
            asks="POST /users/lookup",
            sends=LookUpUser(email=EMAIL),
            answers=reply(200, READ_USER),
        ) as postgres:
            assert await PostgresUsers(postgres).find(EMAIL)

    async def test_an_unknown_address(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "an address that nobody has",
            asks="POST /users/lookup",
            sends=LookUpUser(email=EMAIL),
            answers=refusal(404, "user_not_found"),
        ) as postgres:
            assert await PostgresUsers(postgres).find(EMAIL) is None

    async def test_create(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a user to create",
            given=[state("a credential waits for its user", credential_id=CREDENTIAL)],
            asks="POST /users",
            sends=self.creation(),
            answers=reply(201, READ_USER | {"role": exactly("admin")}),
        ) as postgres:
            created = await PostgresUsers(postgres).create(self.creation())
        assert created.role == "admin"

    async def test_create_with_a_taken_address(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a user to create whose address is taken",
            given=[
                state("a user exists", id=UUID(int=1), email=EMAIL, role="user", status="active"),
                state("a credential waits for its user", credential_id=CREDENTIAL),
            ],
            asks="POST /users",
            sends=self.creation(),
            answers=refusal(409, "email_taken"),
        ) as postgres:
            with pytest.raises(Conflict, match="email_taken"):
                await PostgresUsers(postgres).create(self.creation())

    async def test_change(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a user to make an admin",
            given=[a_user()],
            asks=f"PATCH /users/{USER}",
            sends=self.promotion(expected_version=1),
            answers=reply(200, READ_USER | {"role": exactly("admin"), "version": 2}),
        ) as postgres:
            promotion = self.promotion(expected_version=1)
            assert (await PostgresUsers(postgres).change(USER, promotion)).role == "admin"

    async def test_change_of_a_stale_version(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a user to make an admin, whom somebody changed meanwhile",
            given=[a_user()],
            asks=f"PATCH /users/{USER}",
            sends=self.promotion(expected_version=7),
            answers=refusal(409, "stale_version"),
        ) as postgres:
            with pytest.raises(Conflict, match="stale_version"):
                await PostgresUsers(postgres).change(USER, self.promotion(expected_version=7))

    def creation(self) -> Command[NewUser]:
        return Command(
            command_id=COMMAND,
            data=NewUser(user_id=USER, email=EMAIL, role="admin", credential_id=CREDENTIAL),
            events=[event("user.role.changed", UserRoleChanged(user_id=USER, role="admin"))],
        )

    def promotion(self, *, expected_version: int) -> Command[UserChange]:
        return Command(
            command_id=COMMAND,
            expected_version=expected_version,
            data=UserChange(role="admin", status="active"),
            events=[event("user.role.changed", UserRoleChanged(user_id=USER, role="admin"))],
        )


class TestRegistrations:
    COMMAND = Command[NewRegistration](
        command_id=COMMAND,
        data=NewRegistration(
            user_id=USER,
            email=EMAIL,
            credential_id=CREDENTIAL,
            terms_version="2026-11",
            terms_accepted_at=NOON,
            network="192.0.2.1",
            expires_at=datetime(2100, 1, 1, tzinfo=UTC),
        ),
        events=[event("user.registered", UserRegistered(user_id=USER))],
    )

    async def test_store(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a registration to store",
            given=[state("a credential waits for its user", credential_id=CREDENTIAL)],
            asks="POST /registrations",
            sends=self.COMMAND,
            answers=reply(201, {"user_id": exactly(USER)}),
        ) as postgres:
            await PostgresRegistrations(postgres).create(self.COMMAND)


class TestProfiles:
    async def test_of_a_user(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a profile",
            given=[a_user(), a_profile()],
            asks=f"GET /users/{USER}/profile",
            answers=reply(200, READ_PROFILE),
        ) as postgres:
            assert (await PostgresProfiles(postgres).get(USER)).first_name == "Ada"

    async def test_of_a_user_without(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a profile that was never written",
            given=[a_user()],
            asks=f"GET /users/{USER}/profile",
            answers=refusal(404, "profile_not_found"),
        ) as postgres:
            with pytest.raises(NotFound, match="profile_not_found"):
                await PostgresProfiles(postgres).get(USER)

    async def test_create(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a profile to create",
            given=[a_user()],
            asks="POST /profiles",
            sends=self.command(),
            answers=reply(201, READ_PROFILE),
        ) as postgres:
            assert (await PostgresProfiles(postgres).create(self.command())).id == PROFILE

    async def test_create_a_second_one(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a second profile of a user",
            given=[a_user(), a_profile()],
            asks="POST /profiles",
            sends=self.command(),
            answers=refusal(409, "profile_exists"),
        ) as postgres:
            with pytest.raises(Conflict, match="profile_exists"):
                await PostgresProfiles(postgres).create(self.command())

    async def test_replace(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a profile to replace",
            given=[a_user(), a_profile()],
            asks=f"PUT /users/{USER}/profile",
            sends=self.command(expected_version=1),
            answers=reply(200, READ_PROFILE | {"version": 2}),
        ) as postgres:
            replaced = await PostgresProfiles(postgres).replace(self.command(expected_version=1))
        assert replaced.version == 2

    async def test_replace_a_stale_version(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a profile to replace that somebody changed meanwhile",
            given=[a_user(), a_profile()],
            asks=f"PUT /users/{USER}/profile",
            sends=self.command(expected_version=7),
            answers=refusal(409, "stale_version"),
        ) as postgres:
            with pytest.raises(Conflict, match="stale_version"):
                await PostgresProfiles(postgres).replace(self.command(expected_version=7))

    async def test_replace_none(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a profile to replace that was never written",
            given=[a_user()],
            asks=f"PUT /users/{USER}/profile",
            sends=self.command(expected_version=1),
            answers=refusal(404, "profile_not_found"),
        ) as postgres:
            with pytest.raises(NotFound, match="profile_not_found"):
                await PostgresProfiles(postgres).replace(self.command(expected_version=1))

    def command(self, expected_version: int | None = None) -> Command[WriteProfile]:
        created = ProfileCreated(user_id=USER, profile_id=PROFILE, completion=100)
        return Command(
            command_id=COMMAND,
            expected_version=expected_version,
            data=WRITTEN,
            events=[event("profile.created", created)],
        )


class TestDeliveries:
    LISTED: Mapping[str, object] = {
        "delivery_id": exactly(DELIVERY),
        "event_id": exactly(EVENT),
        "event_type": exactly("user.registered"),
        "consumer": exactly("mail"),
        "aggregate_id": USER,
        "state": exactly("dead"),
        "attempts": 8,
        "last_error": "it broke",
        "due_at": NOON,
        "created_at": NOON,
        "done_at": exactly(None),
    }

    def dead(self) -> State:
        return state(
            "a delivery is dead",
            delivery_id=DELIVERY,
            event_id=EVENT,
            event_type="user.registered",
            consumer="mail",
            user_id=USER,
            traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )

    async def test_a_page(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a page of dead deliveries",
            given=[self.dead()],
            asks="GET /deliveries?state=dead&consumer=mail&limit=1",
            answers=reply(200, {"items": [self.LISTED], "next": exactly(None)}),
        ) as postgres:
            wanted = Wanted("dead", "mail")
            page = await PostgresDeliveries(postgres).page(wanted, 1, None)
        assert page.items[0].delivery_id == DELIVERY

    async def test_one(self, pact: ConsumerPact) -> None:
        event = {
            "version": 1,
            "occurred_at": NOON,
            "correlation_id": "correlation-1",
            "payload": {"user_id": exactly(USER)},
        }
        async with pact.exchange(
            "a delivery with its event",
            given=[self.dead()],
            asks=f"GET /deliveries/{DELIVERY}",
            answers=reply(200, {**self.LISTED, **event}),
        ) as postgres:
            found = await PostgresDeliveries(postgres).get(DELIVERY)
        assert found.payload == {"user_id": str(USER)}

    async def test_the_backlog(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "the backlog of the consumers",
            asks="GET /deliveries/backlog",
            answers=reply(200, {"consumers": [{"consumer": "audit", "pending": 0}]}),
        ) as postgres:
            found = await PostgresDeliveries(postgres).backlog()
        assert found.consumers[0].consumer == "audit"

    async def test_replay(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a dead delivery to replay",
            given=[self.dead()],
            asks="POST /deliveries/replay",
            sends=self.replay(),
            answers=reply(202, {"replayed": exactly(1)}),
        ) as postgres:
            assert (await PostgresDeliveries(postgres).replay(self.replay())).replayed == 1

    async def test_replay_of_none(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a delivery to replay that does not exist",
            asks="POST /deliveries/replay",
            sends=self.replay(),
            answers=refusal(404, "delivery_not_found"),
        ) as postgres:
            with pytest.raises(NotFound, match="delivery_not_found"):
                await PostgresDeliveries(postgres).replay(self.replay())

    def replay(self) -> Command[ReplayDeliveries]:
        asked = ReplayDeliveries(delivery_id=DELIVERY)
        replayed = DeliveryReplayed(
            actor_id=USER, operator=None, network="192.0.2.1", **asked.model_dump()
        )
        return Command(
            command_id=COMMAND, data=asked, events=[event("delivery.replayed", replayed)]
        )


class TestRecipients:
    async def test_a_recipient(self, pact: ConsumerPact) -> None:
        read = {
            "user_id": exactly(USER),
            "email": exactly(EMAIL),
            "status": exactly("active"),
            "kinds": {},
        }
        async with pact.exchange(
            "whom a notification goes to",
            given=[a_user()],
            asks=f"GET /users/{USER}/recipient",
            answers=reply(200, read | {"language": None, "timezone": None, "digest": "off"}),
        ) as postgres:
            recipient = await PostgresRecipients(postgres).get(USER)
        assert (recipient.email, recipient.kinds) == (EMAIL, {})

    async def test_nobody(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a notification for somebody whom nobody knows",
            asks=f"GET /users/{USER}/recipient",
            answers=refusal(404, "user_not_found"),
        ) as postgres:
            with pytest.raises(NotFound, match="user_not_found"):
                await PostgresRecipients(postgres).get(USER)

    async def test_replace_preferences(self, pact: ConsumerPact) -> None:
        chosen = {"welcome": KindPreference(live=True, mail=False)}
        written = WritePreferences(user_id=USER, kinds=chosen, digest="daily")
        command = Command[WritePreferences](command_id=COMMAND, data=written)
        read = {
            "user_id": exactly(USER),
            "kinds": {"welcome": {"live": exactly(True), "mail": exactly(False)}},
            "digest": exactly("daily"),
            "version": 1,
        }
        async with pact.exchange(
            "preferences to store",
            given=[a_user()],
            asks=f"PUT /users/{USER}/notification-preferences",
            sends=command,
            answers=reply(200, read),
        ) as postgres:
            stored = await PostgresRecipients(postgres).replace_preferences(command)
        assert stored.kinds == chosen
