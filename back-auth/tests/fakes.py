"""back-postgres and back-redis in memory, behind the protocols that the domains name.

The same contract tests run against these and against the real adapters (test_adapters.py).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from shared.kit.errors import Conflict, NotFound, Unavailable
from shared.kit.http.token_buckets import LocalTokenBuckets
from shared.models.auth import (
    SESSION_SECONDS_MAX,
    MailPurpose,
    NewSession,
    NewTicket,
    ReturnedTokens,
    Revocation,
    RevokeGenerations,
    RotatedSession,
    RotateSession,
    Session,
    StoredMailToken,
    TokenBucket,
    TokensTaken,
)
from shared.models.base import now
from shared.models.event import Command, EventEnvelope, NewEvent, Nothing
from shared.models.password_reset import ResetPassword
from shared.models.registration import (
    ConfirmRegistration,
    MailTokenTried,
    RegistrationCredential,
)
from shared.models.user import ReplacePassword, Role, User, UserCredential, UserStatus


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

    def void_resets(self, user_id: UUID) -> None:
        """Remove the unused tokens that would reset the password of a user."""
        for token in [*self.mail_tokens.values()]:
            of_user = (token.user_id, token.purpose) == (user_id, "reset_password")
            if of_user and token.used_at is None:
                del self.mail_tokens[token.token_hash]

    def set_password(self, user_id: UUID, password_hash: str) -> None:
        """Another password: a new credential of the next version."""
        self.hashes[user_id] = password_hash
        self.credential_ids[user_id] = uuid4()
        self.password_versions[user_id] = self.password_versions.get(user_id, 0) + 1

    def change(
        self, user: User, *, status: UserStatus | None = None, role: Role | None = None
    ) -> None:
        user = self.users[user.id]
        changes = {"status": status or user.status, "role": role or user.role}
        changed = user.model_copy(update=changes)
        generation = user.session_generation + (changed != user)
        self.users[user.id] = changed.model_copy(update={"session_generation": generation})

    def store_events(self, command: Command[ConfirmRegistration]) -> None:
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


class FakePasswordStore:
    def __init__(self, state: PostgresState) -> None:
        self._state = state

    async def replace(self, user_id: UUID, command: Command[ReplacePassword]) -> User:
        self._state.reach()
        state, new = self._state, command.data
        if command.command_id in state.answers:
            return state.answers[command.command_id]
        user = state.users[user_id]
        if command.expected_version not in {None, user.version}:
            raise Conflict(code="stale_version")
        if state.credential_ids[user_id] != new.replaces:
            raise Conflict(code="credential_replaced")
        state.set_password(user_id, new.password_hash)
        state.credential_ids[user_id] = new.credential_id
        state.void_resets(user_id)
        changed = user.model_copy(
            update={
                "version": user.version + 1,
                "session_generation": user.session_generation + 1,
            }
        )
        state.users[user_id] = state.answers[command.command_id] = changed
        state.events |= {it.envelope.event_id: it.envelope for it in command.events}
        return changed


class FakeResets:
    def __init__(self, state: PostgresState) -> None:
        self._state = state

    async def reset(self, command: Command[ResetPassword]) -> User:
        state, new = self._state, command.data
        state.reach()
        if command.command_id in state.answers:
            return state.answers[command.command_id]
        token = state.mail_tokens.get(new.token_hash)
        if token is None or (token.user_id, token.purpose) != (new.user_id, "reset_password"):
            raise NotFound(code="mail_token_not_found")
        if token.used_at is not None:
            raise Conflict(code="mail_token_used")
        if token.expires_at <= now():
            raise NotFound(code="mail_token_not_found")
        user = state.users[new.user_id]
        if command.expected_version not in {None, user.version}:
            raise Conflict(code="stale_version")
        state.set_password(user.id, new.password_hash)
        state.credential_ids[user.id] = new.credential_id
        state.void_resets(user.id)
        state.mail_tokens[new.token_hash] = token.model_copy(update={"used_at": now()})
        changed = user.model_copy(
            update={
                "version": user.version + 1,
                "session_generation": user.session_generation + 1,
            }
        )
        state.users[user.id] = state.answers[command.command_id] = changed
        state.events |= {it.envelope.event_id: it.envelope for it in command.events}
        return changed


class FakeEvents:
    def __init__(self, state: PostgresState) -> None:
        self._state = state

    async def record(self, command: Command[Nothing]) -> None:
        self._state.reach()
        self._state.events |= {it.envelope.event_id: it.envelope for it in command.events}


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
        if token.purpose == "reset_password":
            if token.user_id not in state.users:
                raise NotFound(code="user_not_found")
            state.mail_tokens[token.token_hash] = token
            return
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
        found: dict[UUID, str] = {}
        if token.purpose == "reset_password":
            return MailTokenTried(token=token, candidates=[])
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


@dataclass
class StoredSession:
    new: NewSession
    refresh_hash: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    spent: set[str] = field(default_factory=set)
    previous_hash: str | None = None
    revoked: bool = False


@dataclass
class RedisState(FakeState):
    """The state of a fake back-redis."""

    sessions: dict[UUID, StoredSession] = field(default_factory=dict)
    tickets: dict[str, NewTicket] = field(default_factory=dict)
    buckets: LocalTokenBuckets = field(default_factory=LocalTokenBuckets)
    revocations: list[Revocation] = field(default_factory=list)
    generations: dict[UUID, int] = field(default_factory=dict)
    security_events: dict[UUID, EventEnvelope] = field(default_factory=dict)
    counted: int = 0
    refills: bool = True
    later: timedelta = timedelta()

    def clock(self) -> datetime:
        """The time of back-redis, `later` than now."""
        return now() + self.later

    def store_event(self, event: NewEvent) -> None:
        self.security_events.setdefault(event.envelope.event_id, event.envelope)

    def published(self, event_type: str) -> list[EventEnvelope]:
        found = self.security_events.values()
        return [event for event in found if event.event_type == event_type]

    def revoke_generations(self, user_id: UUID, generation: int) -> None:
        self.generations[user_id] = generation
        self.revocations.append(Revocation(user_id=user_id, generation=generation))


class FakeSecurityEvents:
    def __init__(self, state: RedisState) -> None:
        self._state = state

    async def record(self, event: NewEvent | None, *, once_seconds: int | None = None) -> None:
        self._state.reach()
        if event is None or (
            once_seconds and event.envelope.event_id in self._state.security_events
        ):
            self._state.counted += 1
        else:
            self._state.store_event(event)


REPEATED_FOR = timedelta(seconds=30)
LONGEST_SESSION = timedelta(seconds=SESSION_SECONDS_MAX)


class FakeSessions:
    def __init__(self, state: RedisState) -> None:
        self._state = state

    async def open(self, new: NewSession) -> Session:
        self._state.reach()
        now = self._state.clock()
        if new.sid not in self._state.sessions:
            self._state.sessions[new.sid] = StoredSession(
                new, new.refresh_hash, now, now, now + timedelta(seconds=new.expires_in)
            )
            if self._active(new.sid):
                self._state.store_event(new.event)
        return await self.get(new.sid)

    async def get(self, sid: UUID) -> Session:
        self._state.reach()
        stored = self._state.sessions.get(sid)
        if stored is None or stored.expires_at <= self._state.clock():
            return Session(sid=sid, user_id=None, active=False)
        return Session(
            sid=sid,
            user_id=stored.new.user_id,
            active=self._active(sid),
            generation=stored.new.generation,
            network=stored.new.network,
            device=stored.new.device,
            created_at=stored.created_at,
            last_used_at=stored.last_used_at,
            expires_at=stored.expires_at,
        )

    async def of_user(self, user_id: UUID) -> list[Session]:
        self._state.reach()
        stored = self._state.sessions
        found = [await self.get(sid) for sid, it in stored.items() if it.new.user_id == user_id]
        return [session for session in reversed(found) if session.active]

    async def rotate(self, sid: UUID, rotation: RotateSession) -> RotatedSession:
        self._state.reach()
        now, presented = self._state.clock(), rotation.presented_hash
        stored = self._state.sessions.get(sid)
        if stored is None or stored.expires_at <= now:
            raise NotFound(code="session_not_found")
        active = self._active(sid)
        if active and presented == stored.refresh_hash:
            stored.spent.add(presented)
            stored.previous_hash = presented
            stored.refresh_hash = rotation.next_hashes[0]
            stored.last_used_at = now
            ends_at = stored.created_at + LONGEST_SESSION
            stored.expires_at = min(now + timedelta(seconds=rotation.expires_in), ends_at)
        elif not (
            active
            and presented == stored.previous_hash
            and stored.refresh_hash in rotation.next_hashes
            and now - stored.last_used_at <= REPEATED_FOR
        ):
            if presented not in stored.spent:
                raise NotFound(code="session_not_found")
            if not stored.revoked:
                await self.revoke(sid, rotation.event)
            raise Conflict(code="refresh_reused")
        session = await self.get(sid)
        return RotatedSession(
            **session.model_dump(),
            refresh_hash=stored.refresh_hash,
            rotated_at=stored.last_used_at,
        )

    async def revoke_generations(self, revoked: RevokeGenerations) -> None:
        self._state.reach()
        kept = self._state.sessions.get(revoked.kept_sid) if revoked.kept_sid else None
        if kept is not None:
            generation = {"generation": revoked.session_generation}
            kept.new = kept.new.model_copy(update=generation)
        self._state.revoke_generations(revoked.user_id, revoked.session_generation)

    async def revoke(self, sid: UUID, event: NewEvent | None = None) -> None:
        self._state.reach()
        stored = self._state.sessions.get(sid)
        if stored is not None:
            if stored.revoked:
                return
            stored.revoked = True
        self._state.revocations.append(Revocation(sid=sid))
        if event is not None:
            self._state.store_event(event)

    def _active(self, sid: UUID) -> bool:
        stored = self._state.sessions[sid]
        smallest = self._state.generations.get(stored.new.user_id, 0)
        return not stored.revoked and stored.new.generation >= smallest


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

    async def keep(
        self, ticket_hash: str, user_id: UUID, sid: UUID, generation: int, *, expires_in: int
    ) -> None:
        self._state.reach()
        self._state.tickets[ticket_hash] = NewTicket(
            ticket_hash=ticket_hash,
            user_id=user_id,
            sid=sid,
            generation=generation,
            expires_in=expires_in,
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
