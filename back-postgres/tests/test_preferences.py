from uuid import UUID, uuid4

import pytest

from shared.models.event import Command
from shared.models.notification import Digest, KindPreference, WritePreferences
from tests.builders import profile_command, profile_of, registered
from tests.callers import Callers

SILENT = KindPreference(live=False, mail=False)


def writing(
    user_id: UUID,
    *,
    digest: Digest = "off",
    expected_version: int | None = None,
    command_id: UUID | None = None,
) -> Command[WritePreferences]:
    written = WritePreferences(user_id=user_id, kinds={"welcome": SILENT}, digest=digest)
    return Command[WritePreferences](
        command_id=command_id or uuid4(), expected_version=expected_version, data=written
    )


def path_of(user_id: UUID) -> str:
    return f"/users/{user_id}/notification-preferences"


class TestRecipient:
    async def test_of_a_user_without_profile_and_preferences(self, service: Callers) -> None:
        user = await registered(service)

        reply = await service.api("GET", f"/users/{user.user_id}/recipient")

        assert reply.json() == {
            "user_id": str(user.user_id),
            "email": user.email,
            "status": "active",
            "language": None,
            "timezone": None,
            "kinds": {},
            "digest": "off",
        }

    async def test_has_the_language_of_the_profile_and_what_the_user_chose(
        self, service: Callers
    ) -> None:
        user_id = (await registered(service)).user_id
        profile = profile_of(user_id, language="es", timezone="America/Lima")
        await service.api("POST", "/profiles", profile_command(profile))
        await service.api("PUT", path_of(user_id), writing(user_id, digest="daily"))

        reply = await service.workers("GET", f"/users/{user_id}/recipient")

        found = reply.json()
        assert (found["language"], found["timezone"]) == ("es", "America/Lima")
        assert found["kinds"] == {"welcome": {"live": False, "mail": False}}
        assert found["digest"] == "daily"

    async def test_nobody(self, service: Callers) -> None:
        reply = await service.api("GET", f"/users/{uuid4()}/recipient")

        assert (reply.status, reply.json()["code"]) == (404, "user_not_found")


class TestReplace:
    async def test_counts_versions(self, service: Callers) -> None:
        user_id = (await registered(service)).user_id

        first = await service.api("PUT", path_of(user_id), writing(user_id))
        second = await service.api("PUT", path_of(user_id), writing(user_id, digest="daily"))

        assert (first.status, first.json()["version"]) == (200, 1)
        assert (second.json()["version"], second.json()["digest"]) == (2, "daily")

    async def test_a_repeat_has_the_same_answer(self, service: Callers) -> None:
        user_id, command_id = (await registered(service)).user_id, uuid4()
        command = writing(user_id, command_id=command_id)

        first = await service.api("PUT", path_of(user_id), command)
        again = await service.api("PUT", path_of(user_id), command)

        assert again.body == first.body

    async def test_refuses_a_stale_version(self, service: Callers) -> None:
        user_id = (await registered(service)).user_id
        await service.api("PUT", path_of(user_id), writing(user_id))

        reply = await service.api("PUT", path_of(user_id), writing(user_id, expected_version=9))

        assert (reply.status, reply.json()["code"]) == (409, "stale_version")

    async def test_needs_a_user(self, service: Callers) -> None:
        user_id = uuid4()

        reply = await service.api("PUT", path_of(user_id), writing(user_id))

        assert (reply.status, reply.json()["code"]) == (404, "user_not_found")

    @pytest.mark.parametrize("caller", ["back-workers", "back-auth"])
    async def test_needs_the_scope(self, service: Callers, caller: str) -> None:
        user_id = uuid4()

        assert (await service.call(caller, "PUT", path_of(user_id), writing(user_id))).status == 403

    async def test_names_one_user(self, service: Callers) -> None:
        reply = await service.api("PUT", path_of(uuid4()), writing(uuid4()))

        assert reply.status == 400
