"""back-postgres and back-redis in memory, behind the protocols that the domains name.

The same contract tests run against these and against the real adapters (test_adapters.py).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from shared.kit.errors import Conflict, NotFound, Unavailable
from shared.kit.http.token_buckets import LocalTokenBuckets
from shared.models.auth import (
    MailPurpose,
    NewTicket,
    ReturnedTokens,
    Session,
    StoredMailToken,
    TokenBucket,
    TokensTaken,
)
from shared.models.base import now
from shared.models.event import Command, EventEnvelope, Nothing
from shared.models.registration import (
    ConfirmRegistration,
    MailTokenTried,
    RegistrationCredential,
)
from shared.models.user import Role, User, UserCredential, UserStatus


@dataclass
class FakeState:
    """The state of a fake data service, which can be out for a while."""

    down: bool = field(default=False, kw_only=True)

    def reach(self) -> None:
        if self.down:
            raise Unavailable("The data service is down.")

    @contextmanager
    def outage(self) -> Iterator[None]:
        self.down = True
        try:
            yield
        finally:
            self.down = False


@dataclass(frozen=True)
class WaitingRegistration:
    """A registration that nobody has confirmed."""

    user_id: UUID
    email: str
    password_hash: str


@dataclass
class PostgresState(FakeState):
    """The state of a fake back-postgres."""

    users: dict[UUID, User] = field(default_factory=dict)
    hashes: dict[UUID, str] = field(default_factory=dict)
    credential_ids: dict[UUID, UUID] = field(default_factory=dict)
    password_versions: dict[UUID, int] = field(default_factory=dict)
    unclaimed: dict[UUID, str] = field(default_factory=dict)
    registrations: dict[UUID, WaitingRegistration] = field(default_factory=dict)
    mail_tokens: dict[str, StoredMailToken] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    tries: Counter[str] = field(default_factory=Counter)
    answers: dict[UUID, User] = field(default_factory=dict)
    events: dict[UUID, EventEnvelope] = field(default_factory=dict)
    recorded: set[UUID] = field(default_factory=set)

    def add_registration(self, email: str, password_hash: str) -> UUID:
        waiting = WaitingRegistration(uuid4(), email, password_hash)
        self.registrations[waiting.user_id] = waiting
        return waiting.user_id

    def add_user(
        self,
        email: str,
        password_hash: str,
        *,
        status: UserStatus = "active",
        role: Role = "user",
        user_id: UUID | None = None,
    ) -> User:
        user = User(
            id=user_id or uuid4(),
            email=email,
            role=role,
            status=status,
            version=1,
            created_at=now(),
        )
        self.users[user.id] = user
        self.set_password(user.id, password_hash)
        return user

    def void_registrations(self, email: str) -> None:
        """Remove the registrations of an address and their tokens."""
        for registration in [it for it in self.registrations.values() if it.email == email]:
            del self.registrations[registration.user_id]
        for token_hash in [it for it, address in self.addresses.items() if address == email]:
            del self.mail_tokens[token_hash], self.addresses[token_hash]

    def set_password(self, user_id: UUID, password_hash: str) -> None:
        """Another password: a new credential of the next version."""
        self.hashes[user_id] = password_hash
        self.credential_ids[user_id] = uuid4()
        self.password_versions[user_id] = self.password_versions.get(user_id, 0) + 1

    def change(
        self, user: User, *, status: UserStatus | None = None, role: Role | None = None
    ) -> None:
        changes = {"status": status or user.status, "role": role or user.role}
        self.users[user.id] = user.model_copy(update=changes)

    def store_events(self, command: Command[ConfirmRegistration] | Command[Nothing]) -> None:
        if command.command_id in self.recorded:
            return
        new = {event.envelope.event_id: event.envelope for event in command.events}
        if new.keys() & self.events.keys():
            raise Conflict(code="event_exists")
        self.recorded.add(command.command_id)
        self.events |= new

    def published(self, event_type: str) -> list[EventEnvelope]:
        return [event for event in self.events.values() if event.event_type == event_type]


class FakeAccounts:
    def __init__(self, state: PostgresState) -> None:
        self._state = state

    async def find(self, email: str) -> UserCredential | None:
        self._state.reach()
        for user in self._state.users.values():
            if user.email == email:
                return UserCredential(
                    user=user,
                    password_hash=self._state.hashes[user.id],
                    credential_id=self._state.credential_ids[user.id],
                    password_version=self._state.password_versions[user.id],
                )
        return None

    async def rehash(self, account: UserCredential, password_hash: str) -> None:
        self._state.reach()
        user_id = account.user.id
        if user_id not in self._state.users:
            raise NotFound(code="user_not_found")
        if self._state.credential_ids[user_id] != account.credential_id:
            raise Conflict(code="credential_replaced")
        self._state.hashes[user_id] = password_hash
        self._state.credential_ids[user_id] = uuid4()


class FakeCredentials:
    def __init__(self, state: PostgresState) -> None:
        self._state = state

    async def keep(self, credential_id: UUID, password_hash: str) -> None:
        self._state.reach()
        self._state.unclaimed[credential_id] = password_hash


class FakeUsers:
    def __init__(self, state: PostgresState) -> None:
        self._state = state

    async def get(self, user_id: UUID) -> User:
        self._state.reach()
        if user_id not in self._state.users:
            raise NotFound(code="user_not_found")
        return self._state.users[user_id]


class FakeMailTokens:
    def __init__(self, state: PostgresState) -> None:
        self._state = state

    async def keep(self, token: StoredMailToken) -> None:
        state = self._state
        state.reach()
        if token.user_id not in state.registrations:
            raise NotFound(code="registration_not_found")
        state.mail_tokens[token.token_hash] = token
        state.addresses[token.token_hash] = state.registrations[token.user_id].email

    async def use_try(
        self, token_hash: str, purpose: MailPurpose, *, tries_max: int
    ) -> MailTokenTried:
        state = self._state
        state.reach()
        token = state.mail_tokens.get(token_hash)
        if token is None or token.purpose != purpose:
            raise NotFound(code="mail_token_not_found")
        if state.tries[token_hash] == tries_max:
            raise Conflict(code="mail_token_exhausted")
        state.tries[token_hash] += 1
        if token.used_at:
            found = {token.user_id: state.hashes[token.user_id]}
        else:
            email = state.addresses[token_hash]
            waiting = [it for it in state.registrations.values() if it.email == email]
            waiting.sort(key=lambda it: it.user_id != token.user_id)
            found = {it.user_id: it.password_hash for it in waiting}
        candidates = [
            RegistrationCredential(user_id=user_id, password_hash=password_hash)
            for user_id, password_hash in found.items()
        ]
        return MailTokenTried(token=token, candidates=candidates)


class FakeVerifications:
    def __init__(self, state: PostgresState) -> None:
        self._state = state

    async def confirm(self, command: Command[ConfirmRegistration]) -> User:
        state, confirm = self._state, command.data
        state.reach()
        if command.command_id in state.answers:
            return state.answers[command.command_id]
        token = state.mail_tokens.get(confirm.token_hash)
        if token is None:
            raise NotFound(code="mail_token_not_found")
        if token.used_at is not None:
            raise Conflict(code="mail_token_used")
        email = state.addresses[confirm.token_hash]
        waiting = state.registrations.get(confirm.user_id)
        if waiting is None or waiting.email != email:
            raise NotFound(code="registration_not_found")
        if any(user.email == email for user in state.users.values()):
            raise Conflict(code="email_taken")
        used = token.model_copy(update={"used_at": now(), "user_id": confirm.user_id})
        state.store_events(command)
        state.void_registrations(email)
        state.mail_tokens[token.token_hash] = used
        user = state.add_user(email, waiting.password_hash, user_id=confirm.user_id)
        state.answers[command.command_id] = user
        return user


class FakeEventPublisher:
    """Records at once; `publish_soon` fails silently while back-postgres is down."""

    def __init__(self, state: PostgresState) -> None:
        self._state = state

    async def publish(self, command: Command[Nothing]) -> None:
        self._state.reach()
        self._state.store_events(command)

    def publish_soon(self, command: Command[Nothing]) -> None:
        if not self._state.down:
            self._state.store_events(command)


@dataclass
class StoredSession:
    user_id: UUID
    refresh_hash: str
    spent: set[str] = field(default_factory=set)
    active: bool = True


@dataclass
class RedisState(FakeState):
    """The state of a fake back-redis."""

    sessions: dict[UUID, StoredSession] = field(default_factory=dict)
    tickets: dict[str, NewTicket] = field(default_factory=dict)
    buckets: LocalTokenBuckets = field(default_factory=LocalTokenBuckets)
    revoked: list[UUID] = field(default_factory=list)
    refills: bool = True


class FakeSessions:
    def __init__(self, state: RedisState) -> None:
        self._state = state

    async def open(self, sid: UUID, user_id: UUID, refresh_hash: str, *, expires_in: int) -> None:
        self._state.reach()
        self._state.sessions[sid] = StoredSession(user_id, refresh_hash)

    async def get(self, sid: UUID) -> Session:
        self._state.reach()
        stored = self._state.sessions.get(sid)
        if stored is None or not stored.active:
            return Session(sid=sid, user_id=stored.user_id if stored else None, active=False)
        return Session(sid=sid, user_id=stored.user_id, active=True)

    async def rotate(
        self, sid: UUID, presented_hash: str, next_hash: str, *, expires_in: int
    ) -> Session:
        self._state.reach()
        stored = self._state.sessions.get(sid)
        if stored is None or not stored.active:
            raise NotFound(code="session_not_found")
        if presented_hash in stored.spent:
            await self.revoke(sid)
            raise Conflict(code="refresh_reused")
        if stored.refresh_hash != presented_hash:
            raise NotFound(code="session_not_found")
        stored.spent.add(presented_hash)
        stored.refresh_hash = next_hash
        return Session(sid=sid, user_id=stored.user_id, active=True)

    async def revoke(self, sid: UUID) -> None:
        self._state.reach()
        stored = self._state.sessions.get(sid)
        if stored is not None:
            stored.active = False
        self._state.revoked.append(sid)


class FakeTokenBuckets:
    def __init__(self, state: RedisState) -> None:
        self._state = state

    async def take(self, buckets: Sequence[TokenBucket]) -> TokensTaken:
        return self._state.buckets.take(*buckets)

    async def give_back(self, buckets: Sequence[ReturnedTokens]) -> None:
        self._state.buckets.give_back(*buckets)


class FakeTickets:
    def __init__(self, state: RedisState) -> None:
        self._state = state

    async def keep(self, ticket_hash: str, user_id: UUID, sid: UUID, *, expires_in: int) -> None:
        self._state.reach()
        self._state.tickets[ticket_hash] = NewTicket(
            ticket_hash=ticket_hash, user_id=user_id, sid=sid, expires_in=expires_in
        )


class FakePasswords:
    """Prefixes instead of hashing, and counts the checks and the hashes made."""

    def __init__(self) -> None:
        self.checks = 0
        self.hashed = 0
        self.busy = False
        self.parameters = "v1"

    async def hash(self, password: str) -> str:
        self.hashed += 1
        return f"{self.parameters}:{password}"

    async def matches(self, password: str, password_hash: str | None) -> bool:
        if self.busy:
            raise Unavailable("Too many passwords are being checked.")
        self.checks += 1
        return password_hash is not None and password_hash.partition(":")[2] == password

    def is_outdated(self, password_hash: str) -> bool:
        return not password_hash.startswith(f"{self.parameters}:")
