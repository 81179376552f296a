"""The rules of registration."""

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
    """Stores users and events about them."""

    async def find(self, email: str) -> User | None:
        """The user with this address, or None."""

    async def create(self, command: Command[NewUser]) -> User:
        """Raises Conflict `email_taken`."""

    async def record(self, command: Command[Nothing]) -> None:
        """Store events without changing a user."""


class Credentials(Protocol):
    """Stores passwords as credentials."""

    async def store(self, password: str) -> UUID:
        """The id of the stored credential, to give to a new user."""


class RegistrationLimit(Protocol):
    """Limits the registrations from one network address."""

    async def take(self, address: str) -> None:
        """Raises TooManyRequests."""


class UserRegistrations:
    """Registers visitors without revealing whether an address is taken.

    The answer is the same for a free and for a taken address, and so are the calls and their
    order, so that the response time reveals nothing either. The owner of a taken address gets
    a mail.
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
            TooManyRequests: too many registrations came from this address.
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
            await self._publish_repeated(owner)
        return RegistrationAccepted(user_id=user_id)

    async def _create(self, user_id: UUID, email: str, credential_id: UUID) -> User | None:
        """None when the user was created, else the user who took the address concurrently."""
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

    async def _publish_repeated(self, owner: User) -> None:
        command = Command.with_event(
            "user.registration.repeated",
            RegistrationRepeated(user_id=owner.id),
            data=Nothing(),
            aggregate_id=owner.id,
            correlation_id=correlation_id(),
        )
        await self._users.record(command)
