"""Each event of back-api, published by its domain over fakes."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

from fake_tools import FakeLaunches, FakeLibrary, FakeTools
from fakes import (
    FakeAuditLog,
    FakeCredentials,
    FakeDeletions,
    FakeDeliveries,
    FakeEvents,
    FakeExports,
    FakeLimit,
    FakeOwnData,
    FakePasswords,
    FakeProfiles,
    FakeRecipients,
    FakeRegistrations,
    FakeTasks,
    FakeTimeline,
    FakeUnreadCounts,
    FakeUsers,
)

from features.account_deletion.domain import AccountDeletions
from features.account_export.domain import AccountExports
from features.audit.domain import AuditReader
from features.event_administration.domain import EventAdministration
from features.maintenance.domain import Maintenance
from features.notifications.domain import Notifications
from features.profile.domain import Profiles
from features.tool_catalogue.domain import ToolAdministration
from features.tool_launches.domain import Launches
from features.user_administration.domain import Administrators, UserAdministration
from features.user_export.domain import UserExports
from features.user_registration.domain import UserRegistrations
from services.actor import Actor
from services.viewer import Viewer
from services.wanted_users import WantedUsers
from shared.kit.http.context import correlated
from shared.models.account import CheckPassword
from shared.models.event import Command, EventEnvelope
from shared.models.event_administration import ReplayFilter
from shared.models.notification import Notify
from shared.models.profile import ProfileCreate, ProfileUpdate
from shared.models.registration import UserRegistration
from shared.models.tool import ToolCreate, ToolUpdate
from shared.models.user import AdministerUser, NewUser

Publish = Callable[[], Awaitable[EventEnvelope]]

REGISTRATION = UserRegistration(
    email="ada@example.org", password="correct horse battery staple", accept_terms=True
)


def an_actor() -> Actor:
    return Actor(uuid4(), "192.0.2.1")


class Published:
    """Each event as its domain publishes it."""

    def by_type(self) -> dict[str, Publish]:
        """What publishes an event of each type."""
        return {
            "user.registered": self.user_registered,
            "user.role.changed": self.user_role_changed,
            "user.admin.made": self.user_admin_made,
            "user.sessions.revoked": self.user_sessions_revoked,
            "user.administered": self.user_administered,
            "user.status.changed": self.user_status_changed,
            "profile.created": self.profile_created,
            "profile.updated": self.profile_updated,
            "audit.read": self.audit_read,
            "maintenance.started": self.maintenance_started,
            "delivery.replayed": self.delivery_replayed,
            "notification.created": self.notification_created,
            "notification.read": self.notification_read,
            "user.notified": self.user_notified,
            "export.started": self.export_started,
            "user.deleted": self.user_deleted,
            "user.exported": self.user_exported,
            "users.read": self.users_read,
            "tool.created": self.tool_created,
            "tool.updated": self.tool_updated,
            "tool.deleted": self.tool_deleted,
            "tool.launched": self.tool_launched,
        }

    async def user_registered(self) -> EventEnvelope:
        store = FakeRegistrations()
        registrations = UserRegistrations(
            store,
            FakeCredentials(),
            FakeLimit(),
            terms_version="2026-11",
            expires_in=timedelta(days=2),
        )
        with correlated("correlation-1"):
            await registrations.register(REGISTRATION, network="192.0.2.1")
        return store.events[-1].envelope

    async def user_deleted(self) -> EventEnvelope:
        users, user_id = FakeUsers(), uuid4()
        new = NewUser(user_id=user_id, email="ada@example.org", credential_id=uuid4())
        await users.create(Command(command_id=uuid4(), data=new))
        claim = CheckPassword(user_id=user_id, password="p", network="192.0.2.1", device="")
        with correlated("correlation-1"):
            await AccountDeletions(FakePasswords(), FakeDeletions(users)).delete(claim)
        return users.events[-2].envelope

    async def user_exported(self) -> EventEnvelope:
        events, own = FakeEvents(), FakeOwnData()
        with correlated("correlation-1"):
            await AccountExports(own, events).document(an_actor(), uuid4())
        return events.events[-1].envelope

    async def users_read(self) -> EventEnvelope:
        events = FakeEvents()
        administration = UserAdministration(FakeUsers(), FakeProfiles(), events)
        with correlated("correlation-1"):
            await administration.page(an_actor(), WantedUsers(), 10, None)
        return events.events[-1].envelope

    async def user_role_changed(self) -> EventEnvelope:
        changed, _ = await self._of_a_new_admin()
        return changed

    async def user_admin_made(self) -> EventEnvelope:
        _, made = await self._of_a_new_admin()
        return made

    async def user_sessions_revoked(self) -> EventEnvelope:
        users = FakeUsers()
        administrators = Administrators(users, FakeCredentials(), operator="ada@host")
        with correlated("correlation-1"):
            user_id = await administrators.create("grace@example.org", "password")
            demoted = users.users[user_id].model_copy(update={"role": "user"})
            users.users[user_id] = demoted
            await administrators.promote(demoted)
        return users.events[-1].envelope

    async def user_administered(self) -> EventEnvelope:
        administered, _ = await self._of_a_suspension()
        return administered

    async def user_status_changed(self) -> EventEnvelope:
        _, changed = await self._of_a_suspension()
        return changed

    async def _of_a_suspension(self) -> tuple[EventEnvelope, EventEnvelope]:
        users = FakeUsers()
        administration = UserAdministration(users, FakeProfiles(), FakeEvents())
        with correlated("correlation-1"):
            await Administrators(users, FakeCredentials(), operator="ada@host").create(
                "admin@example.org", "correct horse battery staple"
            )
            user_id = uuid4()
            user = NewUser(user_id=user_id, email="ada@example.org", credential_id=uuid4())
            await users.create(Command(command_id=uuid4(), data=user))
            users.events.clear()
            asked = AdministerUser(status="suspended")
            await administration.change(an_actor(), user_id, asked)
        administered, changed, _ = users.events
        return administered.envelope, changed.envelope

    async def profile_created(self) -> EventEnvelope:
        created, _ = await self._of_a_profile()
        return created

    async def profile_updated(self) -> EventEnvelope:
        _, updated = await self._of_a_profile()
        return updated

    async def audit_read(self) -> EventEnvelope:
        events = FakeEvents()
        with correlated("correlation-1"):
            await AuditReader(FakeAuditLog(), events).page(an_actor(), uuid4(), 10, None)
        return events.events[-1].envelope

    async def maintenance_started(self) -> EventEnvelope:
        events = FakeEvents()
        with correlated("correlation-1"):
            await Maintenance(FakeTasks(), events).start(an_actor(), "sweep_credentials", uuid4())
        return events.events[-1].envelope

    async def delivery_replayed(self) -> EventEnvelope:
        deliveries = FakeDeliveries()
        with correlated("correlation-1"):
            wanted = ReplayFilter(consumer="mail")
            await EventAdministration(deliveries).replay_all(an_actor(), wanted)
        return deliveries.events[-1].envelope

    async def notification_created(self) -> EventEnvelope:
        created, _, _ = await self._of_a_notification()
        return created

    async def notification_read(self) -> EventEnvelope:
        _, _, read = await self._of_a_notification()
        return read

    async def user_notified(self) -> EventEnvelope:
        _, notified, _ = await self._of_a_notification()
        return notified

    async def _of_a_notification(self) -> list[EventEnvelope]:
        recipients, events = FakeRecipients(), FakeEvents()
        domain = Notifications(recipients, FakeTimeline(), FakeUnreadCounts(), events)
        user_id, message = recipients.add().user_id, Notify(title="Hello", body="you")
        with correlated("correlation-1"):
            accepted = await domain.notify(an_actor(), user_id, message)
            await domain.read(user_id, accepted.event_id)
        return [event.envelope for event in events.events]

    async def export_started(self) -> EventEnvelope:
        events = FakeEvents()
        with correlated("correlation-1"):
            await UserExports(FakeTasks(), FakeExports(), events).start(an_actor(), uuid4())
        return events.events[-1].envelope

    async def tool_created(self) -> EventEnvelope:
        created, _, _, _ = await self._of_a_tool()
        return created

    async def tool_updated(self) -> EventEnvelope:
        _, updated, _, _ = await self._of_a_tool()
        return updated

    async def tool_launched(self) -> EventEnvelope:
        _, _, launched, _ = await self._of_a_tool()
        return launched

    async def tool_deleted(self) -> EventEnvelope:
        _, _, _, deleted = await self._of_a_tool()
        return deleted

    async def _of_a_tool(self) -> list[EventEnvelope]:
        tools, actor = FakeTools(), an_actor()
        administration = ToolAdministration(tools)
        launches = Launches(FakeLibrary(tools), FakeLaunches())
        new = ToolCreate(
            name="Board", summary="Plans", category="Planning", url="https://board.example.org/"
        )
        with correlated("correlation-1"):
            tool = await administration.create(actor, new, uuid4())
            await administration.change(actor, tool.id, ToolUpdate(name="Wall"))
            await launches.launch(Viewer(uuid4(), "user"), tool.id, uuid4())
            await administration.delete(actor, tool.id)
        return [event.envelope for event in tools.events]

    async def _of_a_new_admin(self) -> list[EventEnvelope]:
        users = FakeUsers()
        administrators = Administrators(users, FakeCredentials(), operator="ada@host")
        with correlated("correlation-1"):
            await administrators.create("grace@example.org", "password")
        return [event.envelope for event in users.events]

    async def _of_a_profile(self) -> list[EventEnvelope]:
        store, user_id = FakeProfiles(), uuid4()
        with correlated("correlation-1"):
            created = ProfileCreate(first_name="Ada", last_name="Lovelace")
            await Profiles(store).create(user_id, created)
            await Profiles(store).update(user_id, ProfileUpdate(company="Analytical Engines"))
        return [event.envelope for event in store.events]
