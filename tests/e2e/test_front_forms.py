"""Forms of the fronts as a browser without JavaScript sends them, through the gateway."""

import re
from uuid import uuid4

import httpx

from tests.conftest import admin_of_the_stack
from tests.stack import Visitor

TOOL = {"summary": "s", "category": "c", "url": "https://t.example.org/", "access": "all"}


async def send(user: Visitor, path: str, fields: dict[str, str]) -> httpx.Response:
    return await user.http.post(path, data=fields, headers={"Sec-Fetch-Site": "same-origin"})


def key_in(page: httpx.Response) -> str:
    field = re.search(r'<input[^>]*name="key"[^>]*>', page.text)
    assert field, page.text
    value = re.search(r'value="([^"]+)"', field[0])
    assert value, field[0]
    return value[1]


async def test_a_refused_form_is_sent_again_corrected(admin: Visitor) -> None:
    email, password = admin_of_the_stack()
    login = {"email": email, "password": password, "next": "/"}
    assert (await send(admin, "/admin/login", login)).status_code == 302
    taken, free = f"Tool {uuid4()}", f"Tool {uuid4()}"
    page = "/admin/tools/new"
    first = {**TOOL, "name": taken, "key": key_in(await admin.http.get(page))}
    created = await send(admin, page, first)
    assert created.status_code == 302

    attempt = {**TOOL, "name": taken, "key": key_in(await admin.http.get(page))}
    refused = await send(admin, page, attempt)
    assert refused.status_code == 409
    assert key_in(refused) != attempt["key"]
    corrected = await send(admin, page, {**attempt, "name": free, "key": key_in(refused)})

    assert corrected.status_code == 302
    assert corrected.headers["Location"] != created.headers["Location"]
    for answer in (created, corrected):
        tool_id = answer.headers["Location"].split("/")[-1].split("?")[0]
        removed = await admin.http.delete(f"/api/admin/tools/{tool_id}", headers=admin.bearer)
        assert removed.status_code == 204
