"""What the services keep about a user."""

from uuid import UUID

from features.audit.infrastructure import CassandraAuditLog
from features.background_tasks.domain import BackgroundTaskAccess
from features.notifications.domain import Notifications
from features.profile.domain import Profiles
from features.tool_launches.infrastructure import CassandraLaunches
from shared.kit import ServiceClient
from shared.kit.errors import NotFound
from shared.models.account_export import AccountRecord
from shared.models.audit import AUDIT_PAGE_MAX, AuditPage
from shared.models.auth import OpenSession, Session, Sessions
from shared.models.notification import PAGE_MAX, NotificationPage, Preferences
from shared.models.profile import Profile
from shared.models.task import TASKS_PAGE_MAX, BackgroundTasks
from shared.models.tool import LAUNCHES_PAGE_MAX, LaunchPage


class ServiceOwnData:
    """Accounts and sessions over HTTP, the rest as the features read it."""

    def __init__(
        self,
        postgres: ServiceClient,
        redis: ServiceClient,
        profiles: Profiles,
        notifications: Notifications,
        tasks: BackgroundTaskAccess,
        audit: CassandraAuditLog,
        *,
        launches: CassandraLaunches,
    ) -> None:
        self._postgres = postgres
        self._redis = redis
        self._profiles = profiles
        self._notifications = notifications
        self._tasks = tasks
        self._audit = audit
        self._launches = launches

    async def account(self, user_id: UUID) -> AccountRecord:
        path = f"/users/{user_id}/account-record"
        return await self._postgres.get(path, response_model=AccountRecord)

    async def profile(self, user_id: UUID) -> Profile | None:
        try:
            return await self._profiles.read(user_id)
        except NotFound:
            return None

    async def preferences(self, user_id: UUID) -> Preferences:
        return await self._notifications.preferences(user_id)

    async def sessions(self, user_id: UUID, current: UUID) -> list[OpenSession]:
        found = await self._redis.get(f"/users/{user_id}/sessions", response_model=Sessions)
        return [_shown(session, current) for session in found.items]

    async def launches(self, user_id: UUID, before: str | None) -> LaunchPage:
        return await self._launches.page(user_id, LAUNCHES_PAGE_MAX, before)

    async def notifications(self, user_id: UUID, before: str | None) -> NotificationPage:
        return await self._notifications.page(user_id, unread=False, limit=PAGE_MAX, before=before)

    async def tasks(self, user_id: UUID, before: str | None) -> BackgroundTasks:
        return await self._tasks.page(user_id, None, TASKS_PAGE_MAX, before, admin=False)

    async def audit(self, user_id: UUID, before: str | None) -> AuditPage:
        return await self._audit.page(user_id, AUDIT_PAGE_MAX, before)


def _shown(session: Session, current: UUID) -> OpenSession:
    return OpenSession.model_validate(
        session.model_dump(include={"created_at", "last_used_at"})
        | {
            "id": session.sid,
            "device": session.device or "",
            "network": session.network or "",
            "current": session.sid == current,
        }
    )
