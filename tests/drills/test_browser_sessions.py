"""Two tabs whose access token has ended, while back-auth restarts: both stay logged in."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import BrowserContext, Page, async_playwright, expect

from tests.browser.chromium import NoBrowser, launched
from tests.browser.conftest import log_in
from tests.drills.processes import back, frozen, kill
from tests.stack import PASSWORD, Visitor

pytestmark = pytest.mark.skipif("DEV_STACK" not in os.environ, reason="drills need a local stack")

ACCESS = "public_access"
BACK_MS = 60_000  # as long as a restart may take


@asynccontextmanager
async def two_tabs(user: Visitor) -> AsyncIterator[tuple[BrowserContext, Page, Page]]:
    """Two pages of one browser in which `user` is logged in."""
    async with async_playwright() as playwright:
        try:
            browser = await launched(playwright)
        except NoBrowser as error:
            pytest.skip(str(error))
        context = await browser.new_context(base_url=user.base_url, locale="en-GB")
        one = await log_in(await context.new_page(), f"{user.base_url}/app", user.email, PASSWORD)
        yield context, one, await context.new_page()
        await browser.close()


async def both_show_their_pages(user: Visitor, one: Page, other: Page) -> None:
    await expect(one.get_by_text(user.email)).to_be_visible(timeout=BACK_MS)
    heading = other.get_by_role("heading", level=1)
    await expect(heading).to_have_text("Notifications", timeout=BACK_MS)


async def test_tabs_stay_logged_in_over_a_restart_of_back_auth(user: Visitor) -> None:
    async with two_tabs(user) as (context, one, other):
        pid = await kill("back-auth")
        await back("back-auth", pid)
        await context.clear_cookies(name=ACCESS)
        await asyncio.gather(one.goto("/app/account"), other.goto("/app/notifications"))
        await both_show_their_pages(user, one, other)


async def test_tabs_wait_for_back_auth_and_show_their_pages_by_themselves(user: Visitor) -> None:
    async with two_tabs(user) as (context, one, other):
        await context.clear_cookies(name=ACCESS)
        async with frozen("back-auth"):
            await asyncio.gather(one.goto("/app/account"), other.goto("/app/notifications"))
            for page in (one, other):
                heading = page.get_by_role("heading", level=1)
                await expect(heading).to_have_text("Not available at the moment")
        await both_show_their_pages(user, one, other)
