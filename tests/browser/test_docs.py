"""The page /docs: the public API, tried with a log-in, and without a request to another host."""

from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, Request, expect

from tests.stack import PASSWORD, Visitor

PATIENCE_MS = 120_000  # Swagger UI lists all operations in one task: a slow browser takes long


@pytest.mark.timeout(400)
async def test_a_call_is_tried_as_the_user_who_logged_in(page: Page, user: Visitor) -> None:
    hosts: set[str] = set()

    def note(request: Request) -> None:
        hosts.add(urlsplit(request.url).netloc)

    page.on("request", note)
    page.set_default_timeout(PATIENCE_MS)
    await page.goto("/docs#/account/get_api_users_me")
    await page.get_by_label("Mail address").fill(user.email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("status")).to_contain_text(
        "Logged in for 15 minutes", timeout=PATIENCE_MS
    )
    await page.get_by_role("button", name="Execute").click()
    answer = page.locator(".live-responses-table tbody")
    await expect(answer).to_contain_text(user.email, timeout=PATIENCE_MS)
    assert hosts - {""} == {urlsplit(user.base_url).netloc}


async def test_a_browser_sees_the_health_of_the_stack_as_a_page(page: Page) -> None:
    await page.goto("/health")
    await expect(page.get_by_role("heading", level=1)).to_have_text("back-api")
    await expect(page.get_by_role("cell", name="back-postgres")).to_be_visible()
