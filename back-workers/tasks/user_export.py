"""The export of all users as CSV."""

import asyncio
from typing import Protocol
from uuid import UUID

from pydantic import JsonValue

from exports.export_file import ExportFile
from settings import Settings
from shared.kit import ServiceClient
from shared.models.export import ExportedUser, ExportedUsers
from task_runner import Handler, Run


class UserPages(Protocol):
    """Users in the order of their ids."""

    async def page(self, after: UUID | None, limit: int) -> list[ExportedUser]:
        """At most `limit` users after one id; none at the end."""


class PostgresUserPages:
    """The pages over HTTP."""

    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres

    async def page(self, after: UUID | None, limit: int) -> list[ExportedUser]:
        asked = {"after": after, "limit": limit}
        page = await self._postgres.get(
            "/exported-users", params=asked, response_model=ExportedUsers
        )
        return page.items


def user_export(users: UserPages, settings: Settings) -> Handler:
    """The handler of the kind `user_export`; its result is the number of rows and bytes."""

    async def export(run: Run) -> JsonValue:
        file = ExportFile.open(settings.exports_dir, run.task_id, run.checkpoint)

        async def save() -> JsonValue:
            return (await asyncio.to_thread(file.sync)).model_dump(mode="json")

        try:
            while page := await users.page(file.at.after, settings.export_page):
                file.append(page)
                await run.report(_share(page[-1].id), save)
            await asyncio.to_thread(file.finish)
        finally:
            file.close()
        return {"rows": file.at.rows, "bytes": file.at.bytes}

    return export


def _share(user_id: UUID) -> int:
    """The share of users up to this one, in percent: ids are random, and spread evenly."""
    return user_id.int * 100 >> 128
