from uuid import UUID, uuid4

from shared.models.export import ExportedUser, ExportedUsers
from tests.builders import profile_command, profile_of, registered
from tests.callers import Callers


async def page(service: Callers, after: UUID | None, limit: int) -> list[ExportedUser]:
    following = f"&after={after}" if after else ""
    reply = await service.workers("GET", f"/exported-users?limit={limit}{following}")
    assert reply.status == 200, reply.text
    return ExportedUsers.model_validate_json(reply.body).items


class TestPage:
    async def test_each_user_once_in_the_order_of_the_ids(self, service: Callers) -> None:
        users = [await registered(service) for _ in range(5)]
        found: list[ExportedUser] = []
        while following := await page(service, found[-1].id if found else None, 2):
            found += following
        assert [it.id for it in found] == sorted(user.user_id for user in users)

    async def test_with_the_fields_of_the_profile(self, service: Callers) -> None:
        user = await registered(service)
        (without,) = await page(service, None, 1)
        assert (without.email, without.role, without.status) == (user.email, "user", "active")
        assert (without.first_name, without.timezone) == (None, None)
        profile = profile_of(user.user_id, company="=1+1")
        await service.api("POST", "/profiles", profile_command(profile))
        (found,) = await page(service, None, 1)
        assert (found.first_name, found.company, found.timezone) == ("Ada", "=1+1", "UTC")

    async def test_other_services_may_not(self, service: Callers) -> None:
        assert (await service.api("GET", "/exported-users")).status == 403
        assert await page(service, uuid4(), 1) == []
