"""The states that consumers name in their pacts, set up in a real database."""

from uuid import UUID, uuid4

from pydantic import JsonValue

from database import Database
from repositories.command_repository import CommandRepository
from repositories.credential_repository import CredentialRepository
from repositories.event_repository import EventRepository
from repositories.mail_token_repository import MailTokenRepository
from repositories.profile_repository import ProfileRepository
from repositories.registration_repository import RegistrationRepository
from repositories.user_repository import UserRepository
from shared.kit.contract_registry import contract_registry
from shared.kit.http.context import correlated
from shared.models.auth import StoredMailToken
from shared.models.base import now
from shared.models.event import Command, EventEnvelope, NewEvent, Nothing
from shared.models.profile import WriteProfile
from shared.models.registration import ConfirmRegistration, NewRegistration
from shared.models.user import Credential, NewUser
from shared.testing.pacts.provider import Parameters, SetUp
from tests.builders import HASH


class States:
    """The states, each a method that writes its rows."""

    def __init__(self, database: Database) -> None:
        commands = CommandRepository(database, EventRepository(contract_registry().routing))
        self._database = database
        self._commands = commands
        self._credentials = CredentialRepository(database, commands)
        self._mail_tokens = MailTokenRepository(database)
        self._profiles = ProfileRepository(database, commands)
        self._registrations = RegistrationRepository(database, commands)
        self._users = UserRepository(database, commands)

    def by_name(self) -> dict[str, SetUp]:
        return {
            "a user exists": self.user,
            "a credential waits for its user": self.credential,
            "a user has a profile": self.profile,
            "a registration waits": self.registration,
            "a mail token is kept": self.mail_token,
            "a registration was confirmed": self.confirmation,
            "a delivery is due": self.delivery,
            "a delivery is held": self.held_delivery,
            "a delivery is dead": self.dead_delivery,
        }

    async def user(self, given: Parameters) -> None:
        credential_id = given.get("credential_id") or uuid4()
        await self.credential({"credential_id": str(credential_id)})
        new = NewUser.model_validate(
            {**given, "user_id": given["id"], "credential_id": credential_id}
        )
        await self._users.create(Command[NewUser](command_id=uuid4(), data=new))

    async def credential(self, given: Parameters) -> None:
        await self._credentials.store(Credential.model_validate({**given, "password_hash": HASH}))

    async def profile(self, given: Parameters) -> None:
        written = WriteProfile.model_validate(given)
        await self._profiles.create(Command[WriteProfile](command_id=uuid4(), data=written))

    async def registration(self, given: Parameters) -> None:
        await self.credential(given)
        new = NewRegistration.model_validate(given)
        await self._registrations.create(Command[NewRegistration](command_id=uuid4(), data=new))

    async def mail_token(self, given: Parameters) -> None:
        await self._mail_tokens.store(StoredMailToken.model_validate(given))

    async def confirmation(self, given: Parameters) -> None:
        confirm = ConfirmRegistration.model_validate(given)
        await self._registrations.confirm(
            Command[ConfirmRegistration](command_id=uuid4(), data=confirm)
        )

    async def delivery(self, given: Parameters) -> None:
        envelope = EventEnvelope(
            event_id=_id(given["event_id"]),
            event_type=str(given["event_type"]),
            occurred_at=now(),
            correlation_id="correlation-1",
            payload={"user_id": given["user_id"]},
        )
        event = NewEvent(aggregate_id=uuid4(), envelope=envelope)
        command = Command[Nothing](command_id=uuid4(), data=Nothing(), events=[event])
        with correlated(envelope.correlation_id, traceparent=str(given["traceparent"])):
            await self._commands.record_events(command)
        await self._run(
            "UPDATE deliveries SET delivery_id = $1 WHERE event_id = $2 AND consumer = $3",
            _id(given["delivery_id"]),
            envelope.event_id,
            given["consumer"],
        )

    async def held_delivery(self, given: Parameters) -> None:
        await self.delivery(given)
        await self._run(
            "UPDATE deliveries SET state = 'leased', lease_token = $2,"
            " due_at = now() + interval '1 minute' WHERE delivery_id = $1",
            _id(given["delivery_id"]),
            _id(given["lease_token"]),
        )

    async def dead_delivery(self, given: Parameters) -> None:
        await self.delivery(given)
        await self._run(
            "UPDATE deliveries SET state = 'dead', attempts = 8, last_error = 'it broke'"
            " WHERE delivery_id = $1",
            _id(given["delivery_id"]),
        )

    async def _run(self, statement: str, *values: object) -> None:
        async with self._database.connection() as connection:
            await connection.execute(statement, *values)


def _id(value: JsonValue) -> UUID:
    return UUID(str(value))
