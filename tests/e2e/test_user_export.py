"""An admin exports the users, follows the task, and downloads the file once."""

import csv
import io
from urllib.parse import urlsplit

import httpx

from tests.stack import TLS, Visitor, code_of, until


async def finished(admin: Visitor, task_id: str) -> dict[str, object]:
    async def ended() -> dict[str, object] | None:
        task: dict[str, object] = (await admin.get(f"/api/tasks/{task_id}")).json()
        return task if task["finished_at"] else None

    return await until(ended, within=60)


class TestUserExport:
    async def test_the_file_has_every_user_and_is_downloaded_once(
        self, admin: Visitor, user: Visitor
    ) -> None:
        await user.post(
            "/api/profile",
            {"first_name": "=1+1", "last_name": "Ñandú", "language": "en", "timezone": "UTC"},
        )
        started = await admin.post("/api/admin/exports/users")
        assert started.status_code == 202
        task_id = started.json()["id"]
        hidden = await user.get(f"/api/tasks/{task_id}")
        assert (hidden.status_code, code_of(hidden)) == (404, "task_not_found")
        task = await finished(admin, task_id)
        assert (task["status"], task["progress"]) == ("succeeded", 100)

        refused = await user.post(f"/api/exports/{task_id}/link")
        assert code_of(refused) == "permission_missing"
        link = await admin.post(f"/api/exports/{task_id}/link")
        assert (link.status_code, link.json()["expires_in"]) == (201, 300)
        path = urlsplit(link.json()["url"]).path
        async with httpx.AsyncClient(base_url=admin.base_url, timeout=60, verify=TLS) as browser:
            file = await browser.get(path)
            again = await browser.get(path)
        assert file.status_code == 200
        assert file.headers["content-type"] == "text/csv; charset=utf-8"
        assert file.headers["cache-control"] == "no-store"
        assert file.headers["content-disposition"].startswith("attachment")
        assert (again.status_code, code_of(again)) == (410, "link_expired")

        rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
        assert len({row["id"] for row in rows}) == len(rows)
        (mine,) = [row for row in rows if row["email"] == user.email]
        assert (mine["first_name"], mine["last_name"]) == ("'=1+1", "Ñandú")

    async def test_a_download_that_is_cut_goes_on_and_nobody_else_can(self, admin: Visitor) -> None:
        task_id = (await admin.post("/api/admin/exports/users")).json()["id"]
        await finished(admin, task_id)
        link = await admin.post(f"/api/exports/{task_id}/link")
        path = urlsplit(link.json()["url"]).path
        async with httpx.AsyncClient(base_url=admin.base_url, timeout=60, verify=TLS) as browser:
            async with browser.stream("GET", path) as cut:
                tag = cut.headers["etag"]
                size = int(cut.headers["content-length"])
                begun = await anext(cut.aiter_raw(chunk_size=20))
            stranger = await browser.get(path, headers={"Range": "bytes=20-"})
            assert (stranger.status_code, code_of(stranger)) == (410, "link_expired")
            rest = await browser.get(path, headers={"Range": "bytes=20-", "If-Range": tag})
        assert rest.status_code == 206
        assert rest.headers["content-range"] == f"bytes 20-{size - 1}/{size}"
        assert len(begun + rest.content) == size
        rows = list(csv.DictReader(io.StringIO((begun + rest.content).decode("utf-8-sig"))))
        assert admin.email in {row["email"] for row in rows}

    async def test_a_repeat_under_one_key_starts_one(self, admin: Visitor) -> None:
        headers = admin.bearer | {"Idempotency-Key": f"export-{admin.access_token[-20:]}"}
        first, again = [
            await admin.http.post("/api/admin/exports/users", headers=headers) for _ in range(2)
        ]
        assert first.json()["id"] == again.json()["id"]
        await admin.http.delete(f"/api/tasks/{first.json()['id']}", headers=admin.bearer)
