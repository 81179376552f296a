"""Each event of back-auth, published by the service over services in memory."""

from collections.abc import Awaitable, Callable

from shared.models.event import EventEnvelope
from tests.conftest import EMAIL, PASSWORD, Stack, bearer

Publish = Callable[[], Awaitable[EventEnvelope]]


class Published:
    """Each event as the service publishes it after the user's request."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def by_type(self) -> dict[str, Publish]:
        """What publishes an event of each type."""
        return {
            "user.verified": self.user_verified,
            "auth.login.succeeded": self.login_succeeded,
            "auth.login.failed": self.login_failed,
            "auth.logout": self.logout,
            "auth.refresh.reused": self.refresh_reused,
            "user.password.changed": lambda: self.password_changed("user.password.changed"),
            "auth.password_reset.requested": self.password_reset_requested,
            "auth.sessions.revoked": lambda: self.password_changed("auth.sessions.revoked"),
        }

    async def user_verified(self) -> EventEnvelope:
        stack = self._stack
        token = await stack.mint(await stack.add_registration())
        await stack.client.post("/auth/verify-email", json={"token": token, "password": PASSWORD})
        return self._published("user.verified")

    async def login_succeeded(self) -> EventEnvelope:
        await self._stack.add_user()
        await self._stack.log_in()
        return self._published("auth.login.succeeded")

    async def login_failed(self) -> EventEnvelope:
        await self._stack.add_user()
        await self._stack.log_in(password="wrong")
        return self._published("auth.login.failed")

    async def logout(self) -> EventEnvelope:
        await self._stack.add_user()
        access, _ = await self._stack.tokens()
        await self._stack.client.post("/auth/logout", headers=bearer(access))
        return self._published("auth.logout")

    async def refresh_reused(self) -> EventEnvelope:
        await self._stack.add_user()
        _, refresh = await self._stack.tokens()
        following = (await self._stack.refresh(refresh)).json()["refresh_token"]
        await self._stack.refresh(str(following))
        await self._stack.refresh(refresh)
        return self._published("auth.refresh.reused")

    async def password_reset_requested(self) -> EventEnvelope:
        await self._stack.add_user()
        await self._stack.client.post("/auth/password-reset", json={"email": EMAIL})
        return self._published("auth.password_reset.requested")

    async def password_changed(self, event_type: str) -> EventEnvelope:
        await self._stack.add_user()
        access, _ = await self._stack.tokens()
        body = {"current": PASSWORD, "new": "another password of Ada"}
        await self._stack.client.post("/auth/password", json=body, headers=bearer(access))
        return self._published(event_type)

    def _published(self, event_type: str) -> EventEnvelope:
        stack = self._stack
        found = [*stack.postgres.published(event_type), *stack.redis.published(event_type)]
        return found[-1]
