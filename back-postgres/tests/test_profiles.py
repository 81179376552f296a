from uuid import uuid4

from tests.builders import profile_command, profile_of, registered
from tests.callers import Callers


class TestCreate:
    async def test_can_be_read_back(self, service: Callers) -> None:
        profile = profile_of((await registered(service)).user_id, company="Ñandú \u2603")

        created = await service.api("POST", "/profiles", profile_command(profile))
        read = await service.api("GET", f"/users/{profile.user_id}/profile")

        assert (created.status, read.status) == (201, 200)
        assert created.json() == read.json()
        assert read.json()["company"] == "Ñandú \u2603"
        assert read.json()["version"] == 1

    async def test_one_a_user(self, service: Callers) -> None:
        user = await registered(service)
        await service.api("POST", "/profiles", profile_command(profile_of(user.user_id)))

        reply = await service.api("POST", "/profiles", profile_command(profile_of(user.user_id)))

        assert (reply.status, reply.json()["code"]) == (409, "profile_exists")

    async def test_needs_a_user(self, service: Callers) -> None:
        reply = await service.api("POST", "/profiles", profile_command(profile_of(uuid4())))

        assert (reply.status, reply.json()["code"]) == (404, "user_not_found")

    async def test_not_yet(self, service: Callers) -> None:
        reply = await service.api("GET", f"/users/{uuid4()}/profile")

        assert (reply.status, reply.json()["code"]) == (404, "profile_not_found")


class TestReplace:
    async def test_keeps_its_id_and_counts_versions(self, service: Callers) -> None:
        profile = profile_of((await registered(service)).user_id)
        await service.api("POST", "/profiles", profile_command(profile))
        changed = profile_of(profile.user_id, first_name="Augusta", completion=70)
        path = f"/users/{profile.user_id}/profile"

        reply = await service.api("PUT", path, profile_command(changed, expected_version=1))

        assert reply.status == 200
        assert reply.json()["id"] == str(profile.profile_id)
        assert (reply.json()["first_name"], reply.json()["version"]) == ("Augusta", 2)
        assert (await service.api("GET", path)).json() == reply.json()

    async def test_refuses_a_stale_version(self, service: Callers) -> None:
        profile = profile_of((await registered(service)).user_id)
        await service.api("POST", "/profiles", profile_command(profile))

        reply = await service.api(
            "PUT", f"/users/{profile.user_id}/profile", profile_command(profile, expected_version=9)
        )

        assert (reply.status, reply.json()["code"]) == (409, "stale_version")

    async def test_not_yet(self, service: Callers) -> None:
        user = await registered(service)

        reply = await service.api(
            "PUT", f"/users/{user.user_id}/profile", profile_command(profile_of(user.user_id), 1)
        )

        assert (reply.status, reply.json()["code"]) == (404, "profile_not_found")
