from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest

from shared.models.base import now
from shared.models.event import Command
from shared.models.notification import (
    Digest,
    DigestDue,
    DigestZone,
    DueDigest,
    DueDigests,
    FindDueDigests,
    KindPreference,
    RecordDigest,
    WritePreferences,
)
from shared.models.user import UserChange
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


DAY = date(2026, 11, 22)


def recording(
    user_id: UUID, local_date: date = DAY, *, command_id: UUID | None = None
) -> Command[RecordDigest]:
    due = DigestDue(user_id=user_id, local_date=local_date, since=now(), until=now())
    return Command.with_event(
        "digest.due",
        due,
        data=RecordDigest(user_id=user_id, local_date=local_date),
        aggregate_id=user_id,
        correlation_id="test-correlation",
        command_id=command_id,
    )


async def due(
    service: Callers, timezone: str, day: date = DAY, *, limit: int = 500
) -> list[DueDigest]:
    zones = [DigestZone(timezone=timezone, local_date=day)]
    wanted = FindDueDigests(zones=zones, limit=limit)
    reply = await service.workers("POST", "/digests/due", wanted)
    assert reply.status == 200, reply.text
    return DueDigests.model_validate_json(reply.body).items


async def wanting(service: Callers, timezone: str | None = None, digest: Digest = "daily") -> UUID:
    user_id = (await registered(service)).user_id
    if timezone:
        profile = profile_of(user_id, timezone=timezone)
        await service.api("POST", "/profiles", profile_command(profile))
    await service.api("PUT", path_of(user_id), writing(user_id, digest=digest))
    return user_id


class TestDigests:
    async def test_are_due_for_those_who_want_them_in_their_zone(self, service: Callers) -> None:
        zone = "Indian/Mauritius"
        user_id = await wanting(service, zone)
        await wanting(service, zone, "off")
        await wanting(service, "Indian/Maldives")
        await registered(service)
        suspended = await wanting(service, zone)
        change = Command[UserChange](command_id=uuid4(), data=UserChange(status="suspended"))
        await service.api("PATCH", f"/users/{suspended}", change)

        [found] = await due(service, zone)
        assert found == DueDigest(user_id=user_id, timezone=zone, local_date=DAY, last_date=None)

    async def test_without_a_profile_the_zone_is_utc(self, service: Callers) -> None:
        user_id = await wanting(service)
        assert user_id in [it.user_id for it in await due(service, "UTC")]

    async def test_are_due_once_a_date(self, service: Callers) -> None:
        zone = "Indian/Chagos"
        user_id, command_id = await wanting(service, zone), uuid4()
        command = recording(user_id, command_id=command_id)
        first = await service.workers("POST", "/digests", command)
        again = await service.workers("POST", "/digests", command)
        assert (first.status, again.body) == (201, first.body)

        assert await due(service, zone) == []
        assert await due(service, zone, DAY - timedelta(days=1)) == []
        [tomorrow] = await due(service, zone, DAY + timedelta(days=1))
        assert tomorrow.last_date == DAY

    async def test_come_in_pages(self, service: Callers) -> None:
        zone = "Indian/Cocos"
        users = {await wanting(service, zone) for _ in range(3)}
        found: set[UUID] = set()
        while page := await due(service, zone, limit=2):
            for it in page:
                found.add(it.user_id)
                await service.workers("POST", "/digests", recording(it.user_id))
        assert found == users
