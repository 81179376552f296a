"""Bodies and rows that tests begin with."""

from datetime import timedelta
from uuid import UUID, uuid4

from pydantic import BaseModel

from shared.models.auth import StoredMailToken
from shared.models.base import now
from shared.models.event import Command, EventEnvelope, NewEvent, Nothing
from shared.models.profile import WriteProfile
from shared.models.registration import ConfirmRegistration, NewRegistration
from shared.models.user import Credential, NewUser
from tests.callers import Callers

HASH = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA"


def event(event_type: str = "user.registered", aggregate_id: UUID | None = None) -> NewEvent:
    envelope = EventEnvelope(
        event_id=uuid4(),
        event_type=event_type,
        occurred_at=now(),
        correlation_id="test-correlation",
        payload={"user_id": str(uuid4()), "text": "ñ \u2603", "deep": [1, 2.5, None, True]},
    )
    return NewEvent(aggregate_id=aggregate_id or uuid4(), envelope=envelope)


def recording(*events: NewEvent) -> Command[Nothing]:
    return Command[Nothing](command_id=uuid4(), data=Nothing(), events=list(events))


def registering(
    credential_id: UUID, *events: NewEvent, email: str | None = None, command_id: UUID | None = None
) -> Command[NewUser]:
    data = NewUser(
        user_id=uuid4(), email=email or f"{uuid4().hex}@example.test", credential_id=credential_id
    )
    return Command[NewUser](command_id=command_id or uuid4(), data=data, events=list(events))


def profile_of(user_id: UUID, **changes: object) -> WriteProfile:
    fields: dict[str, object] = {
        "profile_id": uuid4(),
        "user_id": user_id,
        "first_name": "Ada",
        "last_name": "Lovelace",
        "language": "en",
        "timezone": "UTC",
        "completion": 40,
    }
    return WriteProfile.model_validate(fields | changes)


def profile_command(profile: WriteProfile, expected_version: int | None = None) -> BaseModel:
    return Command[WriteProfile](
        command_id=uuid4(), expected_version=expected_version, data=profile
    )


def mail_token(user_id: UUID, *, expires_in: float = 3600) -> StoredMailToken:
    return StoredMailToken(
        token_hash=uuid4().hex * 2,
        user_id=user_id,
        purpose="verify_email",
        expires_at=now() + timedelta(seconds=expires_in),
    )


def confirming(
    token: StoredMailToken, *events: NewEvent, user_id: UUID | None = None
) -> Command[ConfirmRegistration]:
    """Confirm the registration of the token, or `user_id`."""
    data = ConfirmRegistration(token_hash=token.token_hash, user_id=user_id or token.user_id)
    return Command[ConfirmRegistration](command_id=uuid4(), data=data, events=list(events))


def registration(
    credential_id: UUID, email: str | None = None, *, expires_in: float = 3600
) -> NewRegistration:
    return NewRegistration(
        user_id=uuid4(),
        email=email or f"{uuid4().hex}@example.test",
        credential_id=credential_id,
        terms_version="2026-11",
        terms_accepted_at=now(),
        network="192.0.2.1",
        expires_at=now() + timedelta(seconds=expires_in),
    )


async def stored_credential(service: Callers, password_hash: str = HASH) -> UUID:
    credential = Credential(credential_id=uuid4(), password_hash=password_hash)
    reply = await service.auth("POST", "/credentials", credential)
    assert reply.status == 201
    return credential.credential_id


async def registered(service: Callers, email: str | None = None) -> NewUser:
    command = registering(await stored_credential(service), email=email)
    reply = await service.api("POST", "/users", command)
    assert reply.status == 201, reply.text
    return command.data


async def waiting(
    service: Callers,
    email: str | None = None,
    *,
    password_hash: str = HASH,
    expires_in: float = 3600,
) -> NewRegistration:
    """A stored registration that nobody has confirmed."""
    new = registration(
        await stored_credential(service, password_hash), email, expires_in=expires_in
    )
    command = Command[NewRegistration](command_id=uuid4(), data=new)
    reply = await service.api("POST", "/registrations", command)
    assert reply.status == 201, reply.text
    return new


async def minted(service: Callers, user_id: UUID, *, expires_in: float = 3600) -> StoredMailToken:
    """A stored mail token of a registration."""
    token = mail_token(user_id, expires_in=expires_in)
    reply = await service.auth("POST", "/mail-tokens", token)
    assert reply.status == 201, reply.text
    return token
