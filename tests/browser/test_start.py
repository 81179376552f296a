"""The first things that somebody sees, and what every page says of itself."""

import re

from playwright.async_api import Page, expect

LOGIN = re.compile(r"/app/login(\?|$)")


async def test_the_address_of_the_stack_leads_to_the_front(page: Page) -> None:
    await page.goto("/")
    await expect(page).to_have_url(LOGIN)
    await expect(page.get_by_role("main")).to_be_visible()


async def test_somebody_who_is_logged_in_sees_no_log_in(user_page: Page) -> None:
    await user_page.goto("/app/login")
    await expect(user_page).not_to_have_url(LOGIN)
