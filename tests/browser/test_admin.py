"""What an admin does in a browser, and that a user sees it at once."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage, go_live, log_in
from tests.conftest import admin_of_the_stack
from tests.stack import PASSWORD, Visitor

LOGIN = re.compile(r"/admin/login(\?|$)")


async def id_of(user: Visitor) -> str:
    return str((await user.get("/api/users/me")).json()["id"])


async def test_an_admin_logs_in_and_out(page: Page, admin: Visitor) -> None:
    _, password = admin_of_the_stack()
    await page.goto("/admin/users?role=admin")
    await expect(page).to_have_url(LOGIN)
    await page.get_by_label("Mail address").fill(admin.email)
    await page.get_by_label("Password", exact=True).fill(password)
    await page.get_by_role("button", name="Log in").click()
    await expect(page).to_have_url(re.compile(r"/admin/users\?role=admin$"))
    await page.get_by_label("Account").click()
    await page.get_by_role("button", name="Log out").click()
    await expect(page.get_by_role("status")).to_have_text("You are logged out.")
    await page.goto("/admin/users")
    await expect(page).to_have_url(LOGIN)


async def test_a_user_is_refused_and_told_why(page: Page, user: Visitor) -> None:
    await log_in(page, f"{user.base_url}/admin", user.email, PASSWORD)
    await page.goto("/admin/users")
    await expect(page.get_by_role("alert")).to_contain_text("not an admin's")
    assert not [it for it in await page.context.cookies() if it["name"].endswith("admin_access")]


async def test_the_picture_shows_a_stack_that_works(admin_page: Page) -> None:
    await admin_page.goto("/admin")
    picture = admin_page.get_by_role("img", name="The services and who calls whom")
    for service in ("back-gateway", "back-api", "back-websockets", "back-redis", "front-public"):
        await expect(picture.get_by_text(service, exact=True)).to_be_visible()
        row = admin_page.get_by_role("row").filter(
            has=admin_page.get_by_role("rowheader", name=service, exact=True)
        )
        await expect(row.get_by_text("Works", exact=True)).to_be_visible()
    await expect(admin_page.get_by_role("meter", name="Open deliveries of mail")).to_be_visible()


async def test_a_user_sees_at_once_what_an_admin_sends(
    user_page: Page, admin_page: Page, user: Visitor
) -> None:
    await go_live(user_page, "/app")
    await admin_page.goto(f"/admin/users/{await id_of(user)}")
    await admin_page.get_by_role("link", name="Send a notification").click()
    await admin_page.get_by_label("Title").fill("The lift is out")
    await admin_page.get_by_label("Text").fill("Please take the stairs.")
    await admin_page.get_by_role("button", name="Send").click()
    await expect(admin_page.get_by_role("status")).to_have_text("The notification is on its way.")
    toasts = user_page.get_by_role("log", name="Notifications")
    await expect(toasts.get_by_text("The lift is out")).to_be_visible()


async def test_a_suspended_user_is_logged_out_at_once(
    user_page: Page, admin_page: Page, user: Visitor
) -> None:
    await admin_page.goto("/admin/users")
    await admin_page.get_by_label("Search").fill(user.email)
    await admin_page.get_by_role("button", name="Apply").click()
    await admin_page.get_by_role("link", name=user.email).click()
    await admin_page.get_by_text("Suspend", exact=True).click()
    await admin_page.get_by_role("button", name="Yes, do it").click()
    await expect(admin_page.get_by_text("Suspended", exact=True)).to_be_visible()
    await user_page.goto("/app")
    await expect(user_page).to_have_url(re.compile(r"/app/login(\?|$)"))
    await admin_page.get_by_text("Restore", exact=True).click()
    await admin_page.get_by_role("button", name="Yes, do it").click()
    await expect(admin_page.get_by_text("Active", exact=True)).to_be_visible()


async def test_an_export_is_watched_and_its_file_downloaded(
    admin_page: Page, user: Visitor
) -> None:
    await admin_page.goto("/admin/exports")
    rows = admin_page.get_by_role("row")
    before = max(await rows.count(), 1)  # the head comes with the first export
    await admin_page.get_by_role("button", name="Export the users").click()
    await expect(rows).to_have_count(before + 1)
    newest = rows.nth(1)
    await expect(newest.get_by_text("Finished", exact=True)).to_be_visible()
    async with admin_page.expect_download() as downloading:
        await newest.get_by_role("button", name="Download").click()
    file = await (await downloading.value).path()
    assert user.email in file.read_text(encoding="utf-8-sig")

    used = (await downloading.value).url
    await admin_page.goto(used)
    await expect(admin_page.get_by_role("alert")).to_contain_text("This link was used already")
    async with admin_page.expect_download():
        await admin_page.get_by_role("row").nth(1).get_by_role("button", name="Download").click()


async def test_the_events_of_a_user_are_shown_with_their_payload(
    admin_page: Page, user: Visitor
) -> None:
    await admin_page.goto("/admin/events?consumer=audit&type=user.verified")
    await admin_page.get_by_role("link", name="user.verified").first.click()
    await expect(admin_page.get_by_role("region", name="Payload")).to_contain_text("user_id")
    await admin_page.goto(f"/admin/audit?user_id={await id_of(user)}")
    await expect(admin_page.get_by_role("rowheader", name="user.verified")).to_be_visible()


async def test_a_tool_is_added_changed_and_removed(admin_page: Page, user: Visitor) -> None:
    name = f"Tool of {user.email}"
    await admin_page.goto("/admin/tools/new")
    await admin_page.get_by_label("Name").fill(name)
    await admin_page.get_by_label("Summary").fill("Draws")
    await admin_page.get_by_label("Category").fill("Design")
    await admin_page.get_by_label("Address").fill("http://draw.example.org")
    await admin_page.get_by_role("button", name="Add").click()
    await expect(admin_page.get_by_label("Address")).to_have_attribute("aria-invalid", "true")
    await admin_page.get_by_label("Address").fill("https://draw.example.org")
    await admin_page.get_by_role("button", name="Add").click()
    await expect(admin_page.get_by_role("heading", level=1)).to_have_text(name)
    await admin_page.get_by_label("Summary").fill("Draws and paints")
    await admin_page.get_by_role("button", name="Save").click()
    await expect(admin_page.get_by_role("status")).to_have_text("The tool is saved.")
    await admin_page.get_by_text("Remove", exact=True).click()
    await admin_page.get_by_role("button", name="Yes, remove it").click()
    await expect(admin_page.get_by_role("status")).to_have_text("The tool is removed.")


async def test_without_javascript_an_admin_logs_in_notifies_and_suspends(
    open_page: OpenPage, admin: Visitor, user: Visitor
) -> None:
    page = await open_page(java_script_enabled=False)
    _, password = admin_of_the_stack()
    await page.goto("/admin/login")
    await page.get_by_label("Mail address").fill(admin.email)
    await page.get_by_label("Password", exact=True).fill(password)
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Health")
    await page.goto(f"/admin/users/{await id_of(user)}/notify")
    await page.get_by_label("Title").fill("Hello")
    await page.get_by_label("Text").fill("There")
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_role("status")).to_have_text("The notification is on its way.")
    await page.goto(f"/admin/users/{await id_of(user)}")
    await page.get_by_text("Suspend", exact=True).click()
    await page.get_by_role("button", name="Yes, do it").click()
    await expect(page.get_by_text("Suspended", exact=True)).to_be_visible()


@pytest.mark.parametrize("path", ["/admin/users", "/admin/events"])
async def test_the_keyboard_reaches_content_and_rows(admin_page: Page, path: str) -> None:
    await admin_page.goto(path)
    await admin_page.keyboard.press("Tab")
    await expect(admin_page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await admin_page.keyboard.press("Enter")
    link = admin_page.get_by_role("rowheader").first.get_by_role("link")
    for _ in range(12):
        await admin_page.keyboard.press("Tab")
        if await link.evaluate("it => it === document.activeElement"):
            break
    await expect(link).to_be_focused()
    await admin_page.keyboard.press("Enter")
    await expect(admin_page).to_have_url(re.compile(rf"{path}/[0-9a-f-]+$"))
