"""One test suite for each protocol of the domains, run against the fakes and the adapters.

The adapters run against stub services in memory and, by `./dev test adapters`, against a running
back-postgres and back-redis.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Protocol
from uuid import UUID, uuid4, uuid5

import pytest

from features.email_auth.attempts import TokenBuckets
from features.email_auth.domain import Accounts
from features.email_auth.infrastructure import PostgresAccounts, RedisTokenBuckets
from features.email_verification.domain import MailTokens, Verifications
from features.email_verification.infrastructure import PostgresMailTokens, PostgresVerifications
from features.live_notifications.domain import Tickets
from features.live_notifications.infrastructure import RedisTickets
from features.sessions.domain import Sessions, Users
from features.sessions.infrastructure import PostgresUsers, RedisSessions
from features.user_registration.domain import Credentials
from features.user_registration.infrastructure import PostgresCredentials
from services.redis_security_events import RedisSecurityEvents
from services.secret_service import new_secret, secret_hash
from services.security_events import SecurityEvents, security_event
from shared.kit.errors import Conflict, NotFound
from shared.kit.http.client import ServiceClient
from shared.kit.http.context import correlated
from shared.models.auth import (
    LoggedOut,
    LoginFailed,
    NewSession,
    RedeemTicket,
    RefreshReused,
    ReturnedTokens,
    RotateSession,
    StoredMailToken,
    TicketHolder,
    TokenBucket,
)
from shared.models.base import now
from shared.models.event import Command, NewEvent
from shared.models.registration import ConfirmRegistration, UserVerified
from shared.models.user import User
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import Identities
from shared.testing.sessions import hashed, new_session
from shared.testing.stack_client import stack_client
from tests.fakes import (
    FakeAccounts,
    FakeCredentials,
    FakeMailTokens,
    FakeSecurityEvents,
    FakeSessions,
    FakeTickets,
    FakeTokenBuckets,
    FakeUsers,
    FakeVerifications,
    PostgresState,
    RedisState,
)
from tests.stub_services import postgres_stub, redis_stub

HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"


class AddUser(Protocol):
    """Stores a user with HASH, or with a credential that was stored before."""

    async def __call__(self, email: str, credential_id: UUID | None = None) -> UUID: ...


Register = Callable[[str], Awaitable[UUID]]
"""Stores a registration of an address, with HASH."""


Redeem = Callable[[str], Awaitable[TicketHolder]]
"""Redeems a ticket by its hash, as back-websockets does; NotFound without one."""


@dataclass
class World:
    """Everything that the domains need, from one source."""

    accounts: Accounts
    credentials: Credentials
    mail_tokens: MailTokens
    verifications: Verifications
    users: Users
    security_events: SecurityEvents
    sessions: Sessions
    tickets: Tickets
    buckets: TokenBuckets
    add_user: AddUser
    register: Register
    redeem_ticket: Redeem

    async def new_user(self) -> User:
        return await self.users.get(await self.add_user(new_email()))


def new_email() -> str:
    return f"{uuid4().hex}@example.org"


def world_of_fakes(postgres: PostgresState, redis: RedisState) -> World:
    async def add_user(email: str, credential_id: UUID | None = None) -> UUID:
        password_hash = postgres.unclaimed.pop(credential_id) if credential_id else HASH
        return postgres.add_user(email, password_hash).id

    async def register(email: str) -> UUID:
        return postgres.add_registration(email, HASH)

    async def redeem_ticket(ticket_hash: str) -> TicketHolder:
        ticket = redis.tickets.pop(ticket_hash, None)
        if ticket is None:
            raise NotFound(code="ticket_not_found")
        return TicketHolder(user_id=ticket.user_id, sid=ticket.sid, generation=ticket.generation)

    return World(
        FakeAccounts(postgres),
        FakeCredentials(postgres),
        FakeMailTokens(postgres),
        FakeVerifications(postgres),
        FakeUsers(postgres),
        FakeSecurityEvents(redis),
        FakeSessions(redis),
        FakeTickets(redis),
        FakeTokenBuckets(redis),
        add_user,
        register,
        redeem_ticket,
    )


def world_of_adapters(
    postgres: ServiceClient,
    redis: ServiceClient,
    add_user: AddUser,
    register: Register,
    redeem_ticket: Redeem,
) -> World:
    return World(
        PostgresAccounts(postgres),
        PostgresCredentials(postgres),
        PostgresMailTokens(postgres),
        PostgresVerifications(postgres),
        PostgresUsers(postgres),
        RedisSecurityEvents(redis),
        RedisSessions(redis),
        RedisTickets(redis),
        RedisTokenBuckets(redis),
        add_user,
        register,
        redeem_ticket,
    )


async def redeem_ticket(sockets: ServiceClient, ticket_hash: str) -> TicketHolder:
    redeem = RedeemTicket(ticket_hash=ticket_hash)
    return await sockets.post("/tickets/redeem", redeem, response_model=TicketHolder)


# The pact with back-postgres says what the real service does (docs/decisions/0010).
COVERED_BY_A_PACT = pytest.mark.parametrize("world", ["fakes", "adapters"], indirect=True)


@pytest.fixture(params=["fakes", "adapters", pytest.param("real", marks=pytest.mark.real)])
async def world(
    request: pytest.FixtureRequest, postgres: PostgresState, redis: RedisState, keys: Identities
) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        stack.enter_context(correlated(None))
        fakes = world_of_fakes(postgres, redis)
        if request.param == "fakes":
            yield fakes
            return
        redeem: Redeem = fakes.redeem_ticket
        if request.param == "adapters":
            stub = AsgiTransport(redis_stub(redis))
            back_redis = keys.client("back-auth", "back-redis", stub)
        else:
            enter = stack.enter_async_context
            back_redis = await enter(stack_client("back-auth", "back-redis"))
            sockets = await enter(stack_client("back-websockets", "back-redis"))
            redeem = partial(redeem_ticket, sockets)
        back_postgres = keys.client(
            "back-auth", "back-postgres", AsgiTransport(postgres_stub(postgres))
        )
        yield world_of_adapters(back_postgres, back_redis, fakes.add_user, fakes.register, redeem)


@COVERED_BY_A_PACT
class TestAccounts:
    async def test_nobody_is_found_by_an_unknown_address(self, world: World) -> None:
        assert await world.accounts.find(new_email()) is None

    async def test_a_user_is_found_with_the_hash(self, world: World) -> None:
        email = new_email()
        user_id = await world.add_user(email)
        found = await world.accounts.find(email)
        assert found is not None
        assert (found.user.id, found.user.email, found.password_hash) == (user_id, email, HASH)

    async def test_a_hash_is_replaced_by_whoever_read_it(self, world: World) -> None:
        email = new_email()
        await world.add_user(email)
        read = await world.accounts.find(email)
        assert read is not None
        await world.accounts.rehash(read, HASH + "new")
        with pytest.raises(Conflict) as raised:
            await world.accounts.rehash(read, HASH + "late")
        assert raised.value.code == "credential_replaced"
        found = await world.accounts.find(email)
        assert found is not None
        assert (found.password_hash, found.password_version) == (HASH + "new", 1)

    async def test_nobody_has_no_hash(self, world: World) -> None:
        email = new_email()
        await world.add_user(email)
        read = await world.accounts.find(email)
        assert read is not None
        nobody = read.user.model_copy(update={"id": uuid4()})
        with pytest.raises(NotFound):
            await world.accounts.rehash(read.model_copy(update={"user": nobody}), HASH)


@COVERED_BY_A_PACT
class TestCredentials:
    async def test_one_that_is_stored_twice_belongs_to_the_user_who_claims_it(
        self, world: World
    ) -> None:
        credential_id, email = uuid4(), new_email()
        await world.credentials.keep(credential_id, HASH + "own")
        await world.credentials.keep(credential_id, HASH + "own")
        await world.add_user(email, credential_id)
        found = await world.accounts.find(email)
        assert found is not None
        assert found.password_hash == HASH + "own"


@COVERED_BY_A_PACT
class TestUsers:
    async def test_a_user_as_stored(self, world: World) -> None:
        user = await world.new_user()
        assert (user.role, user.status) == ("user", "active")

    async def test_nobody(self, world: World) -> None:
        with pytest.raises(NotFound):
            await world.users.get(uuid4())


def mail_token(user_id: UUID) -> StoredMailToken:
    return StoredMailToken(
        token_hash=secret_hash(new_secret()),
        user_id=user_id,
        purpose="verify_email",
        expires_at=now() + timedelta(days=1),
    )


def verification(
    token: StoredMailToken, command_id: UUID, user_id: UUID | None = None
) -> Command[ConfirmRegistration]:
    user_id = user_id or token.user_id
    event = NewEvent.of(
        "user.verified",
        UserVerified(user_id=user_id),
        aggregate_id=user_id,
        command_id=command_id,
        correlation_id="a-test-of-adapters",
    )
    confirm = ConfirmRegistration(token_hash=token.token_hash, user_id=user_id)
    return Command(command_id=command_id, data=confirm, events=[event])


@COVERED_BY_A_PACT
class TestMailTokens:
    async def test_a_try_reads_the_registrations_of_the_address(self, world: World) -> None:
        email = new_email()
        first, second = await world.register(email), await world.register(email)
        token = mail_token(second)
        await world.mail_tokens.keep(token)
        await world.mail_tokens.keep(token)
        tried = await world.mail_tokens.use_try(token.token_hash, "verify_email", tries_max=1)
        assert (tried.token.user_id, tried.token.used_at) == (second, None)
        assert abs(tried.token.expires_at - token.expires_at) < timedelta(milliseconds=1)
        assert [(it.user_id, it.password_hash) for it in tried.candidates] == [
            (second, HASH),
            (first, HASH),
        ]
        with pytest.raises(Conflict):
            await world.mail_tokens.use_try(token.token_hash, "verify_email", tries_max=1)

    async def test_an_unknown_one_is_not_found(self, world: World) -> None:
        with pytest.raises(NotFound):
            await world.mail_tokens.use_try(secret_hash("x"), "verify_email", tries_max=1)

    async def test_belongs_to_a_registration(self, world: World) -> None:
        with pytest.raises(NotFound):
            await world.mail_tokens.keep(mail_token(uuid4()))


@COVERED_BY_A_PACT
class TestVerifications:
    async def test_makes_the_user_and_a_repeat_answers_the_same(self, world: World) -> None:
        token = mail_token(await world.register(new_email()))
        await world.mail_tokens.keep(token)
        command = verification(token, uuid5(token.user_id, "verify"))
        first = await world.verifications.confirm(command)
        assert (first.id, first.status) == (token.user_id, "active")
        assert await world.verifications.confirm(command) == first
        assert (await world.users.get(token.user_id)).status == "active"
        spent = await world.mail_tokens.use_try(token.token_hash, "verify_email", tries_max=1)
        assert spent.token.used_at is not None
        assert [it.user_id for it in spent.candidates] == [token.user_id]

    async def test_a_spent_token_takes_no_other_command(self, world: World) -> None:
        token = mail_token(await world.register(new_email()))
        await world.mail_tokens.keep(token)
        await world.verifications.confirm(verification(token, uuid4()))
        with pytest.raises(Conflict):
            await world.verifications.confirm(verification(token, uuid4()))

    async def test_an_unknown_token_and_a_registration_of_another_address_are_not_found(
        self, world: World
    ) -> None:
        token = mail_token(await world.register(new_email()))
        with pytest.raises(NotFound):
            await world.verifications.confirm(verification(token, uuid4()))
        await world.mail_tokens.keep(token)
        other = await world.register(new_email())
        with pytest.raises(NotFound):
            await world.verifications.confirm(verification(token, uuid4(), other))

    async def test_an_address_that_is_taken_is_not_confirmed(self, world: World) -> None:
        email = new_email()
        token = mail_token(await world.register(email))
        await world.mail_tokens.keep(token)
        await world.add_user(email)
        with pytest.raises(Conflict):
            await world.verifications.confirm(verification(token, uuid4()))


@pytest.mark.contract(consumer="back-auth", provider="back-redis")
class TestSecurityEvents:
    async def test_an_event_and_a_count_are_recorded(self, world: World) -> None:
        user_id = uuid4()
        payload = LoginFailed(
            user_id=user_id, reason="wrong_password", network="192.0.2.7", device=""
        )
        event = security_event("auth.login.failed", payload, user_id=user_id, cause_id=uuid4())
        await world.security_events.record(event)
        await world.security_events.record(event, once_seconds=60)
        await world.security_events.record(None)


def rotation(new: NewSession, spent: str, *following: str) -> RotateSession:
    payload = RefreshReused(user_id=new.user_id, sid=new.sid)
    return RotateSession(
        presented_hash=hashed(spent),
        next_hashes=[hashed(word) for word in following],
        expires_in=60,
        event=security_event("auth.refresh.reused", payload, user_id=new.user_id, cause_id=new.sid),
    )


@pytest.mark.contract(consumer="back-auth", provider="back-redis")
class TestSessionsOfUser:
    async def test_are_the_active_ones_newest_first(self, world: World) -> None:
        user_id = uuid4()
        assert await world.sessions.of_user(user_id) == []
        opened = [await world.sessions.open(new_session(user_id)) for _ in range(3)]
        await world.sessions.open(new_session())
        assert await world.sessions.of_user(user_id) == opened[::-1]
        await world.sessions.revoke(opened[1].sid)
        assert await world.sessions.of_user(user_id) == [opened[2], opened[0]]


class TestSessions:
    async def test_stands_once_opened_until_revoked(self, world: World) -> None:
        new = new_session(generation=3)
        assert not (await world.sessions.get(new.sid)).active
        opened = await world.sessions.open(new)
        assert await world.sessions.open(new) == opened
        session = await world.sessions.get(new.sid)
        assert session == opened
        assert (session.sid, session.user_id, session.active) == (new.sid, new.user_id, True)
        assert (session.generation, session.network) == (3, new.network)
        assert session.created_at
        assert session.expires_at == session.created_at + timedelta(seconds=new.expires_in)
        payload = LoggedOut(user_id=new.user_id, sid=new.sid)
        logout = security_event("auth.logout", payload, user_id=new.user_id, cause_id=new.sid)
        for event in (logout, logout, None):
            await world.sessions.revoke(new.sid, event)
        assert not (await world.sessions.get(new.sid)).active

    async def test_rotates(self, world: World) -> None:
        new = new_session()
        opened = await world.sessions.open(new)
        for spent, following in (("first", "2"), ("2", "3")):
            rotated = await world.sessions.rotate(new.sid, rotation(new, spent, following))
            assert (rotated.user_id, rotated.active) == (new.user_id, True)
            assert rotated.refresh_hash == hashed(following)
            assert rotated.created_at == opened.created_at
            assert rotated.expires_at == rotated.rotated_at + timedelta(seconds=60)

    async def test_answers_a_repeat_the_same_until_the_successor_is_used(
        self, world: World
    ) -> None:
        new = new_session()
        await world.sessions.open(new)
        first = await world.sessions.rotate(new.sid, rotation(new, "first", "2"))
        again = await world.sessions.rotate(new.sid, rotation(new, "first", "other", "2"))
        assert again == first
        await world.sessions.rotate(new.sid, rotation(new, "2", "3"))
        with pytest.raises(Conflict):
            await world.sessions.rotate(new.sid, rotation(new, "first", "2"))
        assert not (await world.sessions.get(new.sid)).active
        with pytest.raises(NotFound):
            await world.sessions.rotate(new.sid, rotation(new, "3", "4"))

    async def test_a_spent_hash_with_another_successor_ends_it(self, world: World) -> None:
        new = new_session()
        await world.sessions.open(new)
        await world.sessions.rotate(new.sid, rotation(new, "first", "2"))
        with pytest.raises(Conflict):
            await world.sessions.rotate(new.sid, rotation(new, "first", "3"))
        assert not (await world.sessions.get(new.sid)).active

    async def test_a_hash_that_was_never_given_out_changes_nothing(self, world: World) -> None:
        new = new_session()
        await world.sessions.open(new)
        with pytest.raises(NotFound):
            await world.sessions.rotate(new.sid, rotation(new, "x", "2"))
        assert (await world.sessions.get(new.sid)).active

    async def test_an_unknown_one_can_not_rotate(self, world: World) -> None:
        new = new_session()
        with pytest.raises(NotFound):
            await world.sessions.rotate(new.sid, rotation(new, "first", "2"))


@pytest.mark.contract(consumer="back-auth", provider="back-redis")
class TestTickets:
    async def test_is_redeemed_once_for_its_session(self, world: World) -> None:
        ticket_hash, user_id, sid = secret_hash(new_secret()), uuid4(), uuid4()
        await world.tickets.keep(ticket_hash, user_id, sid, 2, expires_in=30)
        holder = await world.redeem_ticket(ticket_hash)
        assert (holder.user_id, holder.sid, holder.generation) == (user_id, sid, 2)
        with pytest.raises(NotFound):
            await world.redeem_ticket(ticket_hash)


def bucket(*, capacity: int = 3) -> TokenBucket:
    return TokenBucket(limit="a-test", key=uuid4().hex, capacity=capacity, window_seconds=60)


@pytest.mark.contract(consumer="back-auth", provider="back-redis")
class TestTokenBuckets:
    async def test_are_empty_after_their_capacity(self, world: World) -> None:
        one = bucket()
        taken = [await world.buckets.take([one]) for _ in range(4)]
        assert [tokens.allowed for tokens in taken] == [True, True, True, False]
        assert 0 < taken[3].retry_after <= 20
        assert (await world.buckets.take([bucket()])).allowed

    async def test_a_refused_attempt_counts_in_none(self, world: World) -> None:
        small, large = bucket(capacity=1), bucket()
        taken = [await world.buckets.take([large, small]) for _ in range(5)]
        assert [tokens.allowed for tokens in taken] == [True, False, False, False, False]
        assert (await world.buckets.take([large])).remaining == 1

    async def test_get_tokens_back(self, world: World) -> None:
        first, second = bucket(), bucket()
        for _ in range(3):
            await world.buckets.take([first, second])
        filled = ReturnedTokens(limit=first.limit, key=first.key)
        one = ReturnedTokens(limit=second.limit, key=second.key, tokens=1)
        await world.buckets.give_back([filled, one])
        assert (await world.buckets.take([first])).remaining == 2
        assert (await world.buckets.take([second])).remaining == 0
