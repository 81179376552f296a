"""The states that fronts name in their pacts, set up in the fakes of the services behind."""

from uuid import UUID

from pydantic import JsonValue
from stub_services import StubServices

from shared.models.base import now
from shared.models.notification import NotificationCreated
from shared.models.profile import StoredProfile
from shared.models.tool import AdministeredTool
from shared.models.user import User
from shared.testing.pacts.provider import Parameters, SetUp

ID = UUID("a0000000-0000-4000-8000-000000000001")
"""Of the user who asks, of the tool, of the notification."""
PASSWORD = "correct horse"
_DATES: dict[str, JsonValue] = {name: now().isoformat() for name in ("created_at", "updated_at")}


class FrontStates:
    """The states of one user, each a method that fills the fakes."""

    def __init__(self, stubs: StubServices) -> None:
        self._stubs = stubs

    def by_name(self) -> dict[str, SetUp]:
        return {
            "a user without a profile": self.user,
            "a user with a profile": self.profile,
            "a user with a password": self.password,
            "a user with a tool that was launched": self.tool,
            "a user with a notification": self.notification,
        }

    async def clean(self) -> None:
        new = StubServices(key=self._stubs.key)
        for name, fake in vars(self._stubs).items():
            if type(fake).__name__.startswith("Fake"):
                vars(fake).update(vars(getattr(new, name)))

    async def user(self, _: Parameters) -> None:
        user = {"id": ID, "email": "ada@example.org", "role": "user", "status": "active"}
        self._stubs.users.users[ID] = User.model_validate({**user, "version": 1, **_DATES})
        self._stubs.recipients.add(ID)

    async def profile(self, given: Parameters) -> None:
        await self.user(given)
        names = {"first_name": "Ada", "last_name": "Lovelace", "display_name": "Ada L."}
        work = {"company": "Analytical", "job_title": "Engineer", "completion": 100}
        place = {"language": "en", "timezone": "UTC", "id": ID, "user_id": ID, "version": 1}
        self._stubs.profiles.profiles[ID] = StoredProfile.model_validate(
            {**names, **work, **place, **_DATES}
        )

    async def password(self, given: Parameters) -> None:
        await self.user(given)
        self._stubs.passwords.passwords[ID] = PASSWORD

    async def tool(self, given: Parameters) -> None:
        await self.user(given)
        shown = {"name": "Board", "summary": "Cards", "category": "Work", "icon": "book"}
        kept = {"url": "https://board.example.org/", "access": "all", "roles": [], "user_ids": []}
        numbers = {"id": ID, "launches": 1, "version": 1}
        self._stubs.tools.tools[ID] = AdministeredTool.model_validate(
            {**shown, **kept, **numbers, **_DATES}
        )
        self._stubs.launches.add(ID, [ID])

    async def notification(self, given: Parameters) -> None:
        await self.user(given)
        text = {"kind": "welcome", "title": "Welcome", "body": "Here", "language": "en"}
        about = {"id": ID, "user_id": ID, "data": {}, "channels": ["live"]}
        self._stubs.timeline.created[ID] = NotificationCreated.model_validate(
            {**text, **about, **_DATES}
        )
