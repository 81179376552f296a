"""front-public as people use it: with and without script, and by keyboard."""

import asyncio
import re
from collections.abc import Callable

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import PAGE_MS, OpenPage, before_scripts
from tests.stack import PASSWORD, Visitor, fresh_address


async def sign_up_and_confirm(page: Page, visitor: Visitor) -> None:
    await page.goto("/app/register")
    await page.get_by_label("Mail address").fill(visitor.email)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_label("I accept").check()
    await page.get_by_role("button", name="Create the account").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Check your mail")
    mail = await visitor.mailbox.first_to(visitor.email)
    await page.goto(f"/app/confirm?token={mail.token}")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Confirm").click()
    await expect(page).to_have_url(re.compile("/app/profile/create$"))


async def fill_profile(page: Page) -> None:
    await page.get_by_label("First name").fill("Ana")
    await page.get_by_label("Last name").fill("Díaz")
    await page.get_by_role("button", name="Save and go on").click()
    await expect(page).to_have_url(re.compile("/app/?$"))


async def log_out_and_in(page: Page, visitor: Visitor) -> None:
    await page.locator("summary").click()
    await page.get_by_role("button", name="Log out").click()
    await expect(page).to_have_url(re.compile("/app/login"))
    await page.get_by_label("Mail address").fill(visitor.email)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await expect(page).to_have_url(re.compile("/app/?$"))


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
async def test_somebody_signs_up_confirms_fills_the_profile_and_comes_back(
    open_page: OpenPage, visitors: Callable[..., Visitor], script: bool
) -> None:
    page = await open_page(java_script_enabled=script)
    visitor = visitors()
    await sign_up_and_confirm(page, visitor)
    await fill_profile(page)

    await page.goto("/app/profile")
    await page.get_by_label("Company").fill("Acme")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("status").filter(has_text="saved")).to_be_visible()

    await log_out_and_in(page, visitor)
    await page.goto("/app/profile")
    await expect(page.get_by_label("Company")).to_have_value("Acme")


async def test_a_wrong_password_lands_at_its_field(page: Page) -> None:
    await page.goto("/app/login")
    await page.get_by_label("Mail address").fill(fresh_address())
    await page.get_by_label("Password", exact=True).fill("not the password")
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("alert")).to_contain_text("address or the password is wrong")
    await expect(page.get_by_role("alert")).to_be_focused()


async def test_language_and_theme_are_kept(page: Page) -> None:
    await page.goto("/app/login")
    await page.get_by_label("Language").select_option("es")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Entrar")
    await page.get_by_label("Apariencia").select_option("dark")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("lang", "es")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")


async def test_a_language_chosen_before_the_scripts_are_there_is_taken(page: Page) -> None:
    async with before_scripts(page, "/app/login"):
        await page.get_by_label("Language").select_option("es")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Entrar")


async def test_a_menu_opened_before_the_scripts_are_there_stays_open(user_page: Page) -> None:
    log_out = user_page.get_by_role("button", name="Log out")
    async with user_page.expect_websocket(), before_scripts(user_page, "/app/account"):
        await user_page.locator("summary").click()
        await expect(log_out).to_be_visible()
    assert await log_out.is_visible()


async def test_the_keyboard_alone_reaches_the_content_and_the_menu(user_page: Page) -> None:
    await user_page.goto("/app/account")
    await user_page.keyboard.press("Tab")
    await expect(user_page.get_by_role("link", name="Skip to the content")).to_be_focused()
    menu = user_page.locator("summary")
    await menu.focus()
    await user_page.keyboard.press("Enter")
    log_out = user_page.get_by_role("button", name="Log out")
    await expect(log_out).to_be_visible()
    async with asyncio.timeout(PAGE_MS / 1000):
        while await log_out.is_visible():  # the scripts may not listen yet
            await user_page.keyboard.press("Escape")
    await expect(menu).to_be_focused()
