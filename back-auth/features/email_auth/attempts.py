"""Login attempts and the token buckets that they count in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.secret_service import secret_hash
from shared.kit.errors import TooManyRequests
from shared.models.auth import ReturnedTokens, TokenBucket, TokensTaken

ACCOUNT_AND_NETWORK = "failed-login-account-network"
NETWORK = "failed-login-network"
ACCOUNT = "failed-login-account"
DEVICE = "failed-login-device"


@dataclass(frozen=True)
class LoginLimits:
    """How many failed logins are allowed in each bucket within `window_seconds`."""

    per_account_and_network: int
    per_network: int
    per_account: int
    per_device: int
    window_seconds: int

    @property
    def retry_after(self) -> float:
        """Seconds that every refusal names, so that it does not tell which bucket is empty.

        The longest that any of the buckets needs for one token.
        """
        fewest = min(
            self.per_account_and_network, self.per_network, self.per_account, self.per_device
        )
        return self.window_seconds / fewest

    def buckets(self, email: str, network: str, device_id: str | None) -> list[TokenBucket]:
        """The buckets of an attempt; a known device replaces both buckets of the account.

        The account is its mail address, whether or not anybody has it.
        """
        account = secret_hash(email)
        of_network = self._bucket(NETWORK, network, self.per_network)
        if device_id is not None:
            return [self._bucket(DEVICE, device_id, self.per_device), of_network]
        both = f"{account} {network}"
        return [
            self._bucket(ACCOUNT_AND_NETWORK, both, self.per_account_and_network),
            of_network,
            self._bucket(ACCOUNT, account, self.per_account),
        ]

    def _bucket(self, limit: str, key: str, capacity: int) -> TokenBucket:
        return TokenBucket(
            limit=limit, key=key, capacity=capacity, window_seconds=self.window_seconds
        )


class TokenBuckets(Protocol):
    """Token buckets that all processes of the service share."""

    async def take(self, buckets: Sequence[TokenBucket]) -> TokensTaken:
        """Take one token of each bucket, or none of any when one of them is empty."""
        ...

    async def give_back(self, buckets: Sequence[ReturnedTokens]) -> None: ...


class Attempt:
    """A login attempt that took a token of each of its buckets, and counts as failed so far."""

    def __init__(self, store: TokenBuckets, buckets: Sequence[TokenBucket]) -> None:
        self._store = store
        self._buckets = buckets

    async def was_not_checked(self) -> None:
        """The password was not checked, so the attempt counts in no bucket."""
        await self._give_back(filled=None)

    async def succeeded(self) -> None:
        """The attempt counts in no bucket, and that of (account, network) is full again.

        A bucket that others share is not filled: whoever has one account could empty it for ever.
        """
        await self._give_back(filled=ACCOUNT_AND_NETWORK)

    async def _give_back(self, *, filled: str | None) -> None:
        await self._store.give_back(
            [
                ReturnedTokens(limit=it.limit, key=it.key, tokens=None if it.limit == filled else 1)
                for it in self._buckets
            ]
        )


class LoginAttempts:
    """Counts login attempts and refuses them beyond `limits`."""

    def __init__(self, store: TokenBuckets, limits: LoginLimits) -> None:
        self._store = store
        self._limits = limits

    @property
    def window_seconds(self) -> int:
        return self._limits.window_seconds

    async def forgive(self, email: str, network: str) -> None:
        """Forget the failed logins of the account from the network: its password is another."""
        buckets = self._limits.buckets(email, network, None)
        filled = [it for it in buckets if it.limit == ACCOUNT_AND_NETWORK]
        await self._store.give_back(
            [ReturnedTokens(limit=it.limit, key=it.key, tokens=None) for it in filled]
        )

    async def begin(self, email: str, network: str, device_id: str | None) -> Attempt:
        """Count an attempt before its password is checked: those at once can't exceed a limit.

        Raises:
            TooManyRequests: one of the buckets is empty; the attempt counts in none.
        """
        buckets = self._limits.buckets(email, network, device_id)
        if not (await self._store.take(buckets)).allowed:
            raise TooManyRequests(
                "Too many failed logins. Try again later.", retry_after=self._limits.retry_after
            )
        return Attempt(self._store, buckets)
