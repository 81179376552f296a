"""The rules of registration."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID, uuid4

from shared.kit.errors import RuleViolated
from shared.kit.http.context import correlation_id
from shared.models.base import now
from shared.models.event import Command
from shared.models.registration import (
    NewRegistration,
    RegistrationAccepted,
    UserRegistered,
    UserRegistration,
)


class Registrations(Protocol):
    """Stores registrations until they are confirmed."""

    async def create(self, command: Command[NewRegistration]) -> None:
        """Store a registration and its event."""


class Credentials(Protocol):
    """Stores passwords as credentials."""

    async def store(self, password: str) -> UUID:
        """The id of the stored credential, to give to a new registration."""


class RegistrationLimit(Protocol):
    """Limits the registrations of a mail address and of a network."""

    async def take(self, email: str, network: str) -> None:
        """Raises TooManyRequests."""


class UserRegistrations:
    """Registers visitors without revealing whether an address is taken.

    A registration makes no user: that is done by whoever reads the mail of the address and knows
    the password of the registration. Nothing here depends on whether a user has the address: the
    worker that writes the mail looks for that.
    """

    def __init__(
        self,
        registrations: Registrations,
        credentials: Credentials,
        limit: RegistrationLimit,
        *,
        terms_version: str,
        expires_in: timedelta,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._registrations = registrations
        self._credentials = credentials
        self._limit = limit
        self._terms_version = terms_version
        self._expires_in = expires_in
        self._clock = clock

    async def register(
        self, registration: UserRegistration, *, network: str
    ) -> RegistrationAccepted:
        """Accept a registration that came from `network`.

        Raises:
            RuleViolated: `terms_not_accepted`.
            TooManyRequests: too many registrations of this address or from this network.
        """
        if not registration.accept_terms:
            raise RuleViolated("The terms of use have to be accepted.", code="terms_not_accepted")
        await self._limit.take(registration.email, network)
        at = self._clock()
        new = NewRegistration(
            user_id=uuid4(),
            email=registration.email,
            credential_id=await self._credentials.store(registration.password),
            terms_version=self._terms_version,
            terms_accepted_at=at,
            network=network,
            expires_at=at + self._expires_in,
        )
        await self._registrations.create(
            Command.with_event(
                "user.registered",
                UserRegistered(user_id=new.user_id),
                data=new,
                aggregate_id=new.user_id,
                correlation_id=correlation_id(),
            )
        )
        return RegistrationAccepted(user_id=new.user_id)
