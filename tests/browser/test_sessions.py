"""A session whose access token has ended: back-auth gives another, and nobody notices."""

import asyncio

from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage, log_in
from tests.stack import PASSWORD, Visitor

ACCESS, REFRESH = "public_access", "public_refresh"
ROUNDS = 3


async def cookie(page: Page, name: str) -> str:
    return {it["name"]: it["value"] for it in await page.context.cookies()}[name]


async def test_two_tabs_that_load_side_by_side_refresh_one_session(
    open_page: OpenPage, user: Visitor
) -> None:
    one = await log_in(await open_page(), f"{user.base_url}/app", user.email, PASSWORD)
    other = await one.context.new_page()
    used = {await cookie(one, REFRESH)}
    for _ in range(ROUNDS):
        await one.context.clear_cookies(name=ACCESS)
        await asyncio.gather(one.goto("/app/account"), other.goto("/app/notifications"))
        await expect(one.get_by_text(user.email)).to_be_visible()
        await expect(other.get_by_role("heading", level=1)).to_have_text("Notifications")
        used.add(await cookie(one, REFRESH))
    assert len(used) == 1 + ROUNDS, "each round has another token"

    await one.goto("/app/account/sessions")
    await expect(one.get_by_text("this device")).to_have_count(1)
    await expect(one.locator("main li.card")).to_have_count(2)  # and that of `user` itself
