"""A forgotten password, one's own data, and the end of an account, against the real services."""

import json
import re

from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage, log_in
from tests.stack import PASSWORD, Visitor, until

LOGIN = re.compile(r"/app/login(\?|$)")
NEW_PASSWORD = "another one for the same person"
WRONG = "address or the password is wrong"
_LINK = re.compile(r"/app/password-reset\?token=[\w.-]+")


async def reset_link(visitor: Visitor) -> str:
    """The path of the link in the mail that lets `visitor` set another password."""

    async def look() -> str | None:
        mails = await visitor.mailbox.to(visitor.email)
        return next((found[0] for it in mails if (found := _LINK.search(it.text))), None)

    return await until(look, within=40)


async def type_log_in(page: Page, email: str, password: str) -> None:
    await page.get_by_label("Mail address").fill(email)
    await page.get_by_label("Password", exact=True).fill(password)
    await page.get_by_role("button", name="Log in").click()


async def set_password(page: Page, link: str) -> None:
    await page.goto(link)
    await page.get_by_label("New password").fill(NEW_PASSWORD)
    await page.get_by_role("button", name="Set the password").click()


async def test_a_forgotten_password_is_set_by_the_mail_and_ends_open_sessions(
    page: Page, user_page: Page, user: Visitor
) -> None:
    await user_page.goto("/app/account")
    await expect(user_page.get_by_text(user.email)).to_be_visible()

    await page.goto("/app/login")
    await page.get_by_role("link", name="Forgot the password?").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Forgot the password?")
    await page.get_by_label("Mail address").fill(user.email)
    await page.get_by_role("button", name="Send the link").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Check your mail")
    link = await reset_link(user)
    await set_password(page, link)
    await expect(page.get_by_role("status")).to_have_text("Your password is set. Log in with it.")

    await type_log_in(page, user.email, PASSWORD)
    await expect(page.get_by_role("alert")).to_contain_text(WRONG)
    await type_log_in(page, user.email, NEW_PASSWORD)
    await expect(page).to_have_url(re.compile("/app/?$"))
    await user_page.goto("/app/account")
    await expect(user_page).to_have_url(LOGIN)

    await set_password(user_page, link)
    await expect(user_page.get_by_role("alert")).to_have_text("This link is not valid any more.")
    await user_page.get_by_role("link", name="Ask for another one").click()
    await expect(user_page.get_by_role("button", name="Send the link")).to_be_visible()


async def test_one_s_own_data_are_downloaded(user_page: Page, user: Visitor) -> None:
    await user_page.goto("/app/account/data")
    async with user_page.expect_download() as downloading:
        await user_page.get_by_role("link", name="Download my data").click()
    download = await downloading.value
    assert download.suggested_filename == "tools-dashboard-data.json"
    kept = json.loads((await download.path()).read_text())
    assert kept["account"]["email"] == user.email


async def test_without_a_session_the_own_data_lead_to_the_log_in(page: Page) -> None:
    await page.goto("/app/account/data.json")
    await expect(page).to_have_url(LOGIN)


async def test_a_deleted_account_is_logged_out_everywhere_and_told_what_is_kept(
    open_page: OpenPage, user_page: Page, user: Visitor
) -> None:
    other = await log_in(await open_page(), f"{user.base_url}/app", user.email, PASSWORD)
    await user_page.goto("/app/account/data")
    await user_page.get_by_role("link", name="Delete the account").click()
    await expect(user_page.get_by_role("heading", level=1)).to_have_text("Delete the account")
    await user_page.get_by_label("Your password").fill(NEW_PASSWORD)
    await user_page.get_by_label("I want my account").check()
    await user_page.get_by_role("button", name="Delete the account").click()
    await expect(user_page.get_by_label("Your password")).to_have_attribute("aria-invalid", "true")

    await user_page.get_by_label("I want my account").check()  # a form sent without script forgets
    await user_page.get_by_label("Your password").fill(PASSWORD)
    await user_page.get_by_role("button", name="Delete the account").click()
    await expect(user_page.get_by_role("heading", level=1)).to_have_text("Your account is deleted")
    await expect(user_page.get_by_role("heading", name="What is kept")).to_be_visible()
    await expect(user_page.get_by_role("listitem").filter(has_text="audit log")).to_be_visible()

    for page in (user_page, other):
        await page.goto("/app/account")
        await expect(page).to_have_url(LOGIN)
    await type_log_in(user_page, user.email, PASSWORD)
    await expect(user_page.get_by_role("alert")).to_contain_text(WRONG)
