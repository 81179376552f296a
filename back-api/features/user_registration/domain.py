"""The rules of signing up."""

from typing import Protocol
from uuid import UUID, uuid4

from shared.kit.errors import Conflict, RuleViolated
from shared.kit.http.context import correlation_id
from shared.models.event import Command, Nothing
from shared.models.user import (
    NewUser,
    RegistrationAccepted,
    RegistrationRepeated,
    User,
    UserRegistered,
    UserRegistration,
)


class Users(Protocol):
    """Where users are kept."""

    async def find(self, email: str) -> User | None:
        """The user who holds the address, if anybody does."""

    async def create(self, command: Command[NewUser]) -> User:
        """Raises Conflict `email_taken`."""

    async def record(self, command: Command[Nothing]) -> None:
        """Store events alone."""


class Credentials(Protocol):
    """Where passwords become credentials."""

    async def store(self, password: str) -> UUID:
        """The id of the credential that a user can claim."""


class RegistrationLimit(Protocol):
    """How often one address may sign up."""

    async def take(self, address: str) -> None:
        """Raises TooManyRequests."""


class UserRegistrations:
    """Signing up tells nobody whether an address is taken: its owner alone hears of it, by mail.

    Both ways do the same work in the same order, so that their times don't tell either.
    """

    def __init__(self, users: Users, credentials: Credentials, limit: RegistrationLimit) -> None:
        self._users = users
        self._credentials = credentials
        self._limit = limit

    async def register(
        self, registration: UserRegistration, *, address: str
    ) -> RegistrationAccepted:
        """Accept a registration that came from the network `address`.

        Raises:
            RuleViolated: `terms_not_accepted`.
            TooManyRequests: this address signed up too often.
        """
        if not registration.accept_terms:
            raise RuleViolated("The terms of use have to be accepted.", code="terms_not_accepted")
        await self._limit.take(address)
        credential_id = await self._credentials.store(registration.password)
        user_id = uuid4()
        owner = await self._users.find(registration.email)
        if owner is None:
            owner = await self._create(user_id, registration.email, credential_id)
        if owner is not None:
            await self._tell(owner)
        return RegistrationAccepted(user_id=user_id)

    async def _create(self, user_id: UUID, email: str, credential_id: UUID) -> User | None:
        """None when the user was created, else the one who took the address meanwhile."""
        command = Command.with_event(
            "user.registered",
            UserRegistered(user_id=user_id),
            data=NewUser(user_id=user_id, email=email, credential_id=credential_id),
            aggregate_id=user_id,
            correlation_id=correlation_id(),
        )
        try:
            await self._users.create(command)
        except Conflict as conflict:
            if conflict.code != "email_taken":
                raise
            return await self._users.find(email)
        return None

    async def _tell(self, owner: User) -> None:
        command = Command.with_event(
            "user.registration.repeated",
            RegistrationRepeated(user_id=owner.id),
            data=Nothing(),
            aggregate_id=owner.id,
            correlation_id=correlation_id(),
        )
        await self._users.record(command)
