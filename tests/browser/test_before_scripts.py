"""What somebody does before the scripts of a page listen, or while the network is gone, is kept."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Page, expect

from tests.browser.conftest import (
    PAGE_MS,
    OpenPage,
    before_scripts,
    held,
    log_in,
    scripts_listen,
)
from tests.stack import PASSWORD, Visitor, fresh_address, until

PREVENTED = """(button) => {
    const prevented = [];
    const note = (event) => prevented.push(event.defaultPrevented);
    addEventListener("submit", note);
    button.click();
    button.click();
    removeEventListener("submit", note);
    return prevented;
}"""
"""Clicks a button twice and gives, for each form that is sent, whether it was held back."""


@asynccontextmanager
async def held_scripts(page: Page, path: str) -> AsyncIterator[None]:
    """The page at `path` has no scripts inside; they listen at the end."""
    async with before_scripts(page, path):
        yield
    await scripts_listen(page)


@asynccontextmanager
async def tool_named(admin: Visitor, name: str) -> AsyncIterator[str]:
    """The path of the library that shows this tool alone."""
    tool = {"name": name, "summary": "A tool", "category": "Tests", "access": "all"}
    made = await admin.post("/api/admin/tools", {**tool, "url": "https://tool.example.org"})
    yield f"/app?search={name}"
    await admin.delete(f"/api/admin/tools/{made.json()['id']}")


async def test_what_is_typed_and_chosen_stays(user_page: Page) -> None:
    async with held_scripts(user_page, "/app/profile/create"):
        await user_page.get_by_label("First name").fill("Ana")
        await user_page.get_by_label("Time zone").select_option("Asia/Tokyo")
    await expect(user_page.get_by_label("First name")).to_have_value("Ana")
    await expect(user_page.get_by_label("Time zone")).to_have_value("Asia/Tokyo")


async def test_a_password_is_counted_and_can_be_shown_once_that_works(page: Page) -> None:
    show = page.get_by_role("button", name="Show")
    async with held_scripts(page, "/app/register"):
        await page.get_by_label("Password", exact=True).fill("12345")
        await expect(show).to_be_hidden()
    await expect(page.get_by_text("more characters")).to_be_visible()
    await show.click()
    await expect(page.get_by_label("Password", exact=True)).to_have_attribute("type", "text")


async def test_a_form_is_sent_once(page: Page) -> None:
    async with held_scripts(page, "/app/register"):
        await page.get_by_label("Mail address").fill(fresh_address())
        await page.get_by_label("Password", exact=True).fill(PASSWORD)
        await page.get_by_label("I accept").check()
        create = page.get_by_role("button", name="Create the account")
        assert await create.evaluate(PREVENTED) == [False, True]
        await expect(page.get_by_role("heading", level=1)).to_have_text("Check your mail")


async def test_a_refused_form_shows_what_was_typed_and_leaves_the_focus(page: Page) -> None:
    email = fresh_address()
    password = page.get_by_label("Password", exact=True)
    async with held_scripts(page, "/app/login"):
        await page.get_by_label("Mail address").fill(email)
        await password.fill("not the password")
        await page.get_by_role("button", name="Log in").click()
        await expect(page.get_by_role("alert")).to_contain_text("password is wrong")
        await expect(page.get_by_label("Mail address")).to_have_value(email)
        await expect(password).to_have_value("")
        await password.focus()
    await expect(password).to_be_focused()


async def test_a_favourite_is_kept_and_the_page_can_be_loaded_again(
    user_page: Page, admin: Visitor
) -> None:
    name = fresh_address().partition("@")[0]
    async with tool_named(admin, name) as library:
        async with held_scripts(user_page, library):
            await user_page.get_by_role("button", name=f"Make {name} a favourite").click()
            remove = user_page.get_by_role("button", name=f"{name} is a favourite")
            await expect(remove).to_be_visible()
            await expect(user_page).to_have_url(re.compile(rf"/app/?\?search={name}$"))
        await user_page.reload()
        await expect(remove).to_be_visible()


async def test_a_double_click_launches_a_tool_once(user_page: Page, admin: Visitor) -> None:
    name = fresh_address().partition("@")[0]
    async with tool_named(admin, name) as library:
        await user_page.goto(library)
        await scripts_listen(user_page)
        launch = user_page.get_by_role("button", name=f"Open {name}")
        async with user_page.expect_popup():
            assert await launch.evaluate(PREVENTED) == [False, True]


async def test_a_notification_is_counted_that_came_before_the_socket(
    user_page: Page, user: Visitor, admin: Visitor
) -> None:
    async def unread(count: int) -> None:
        async def look() -> bool | None:
            counted = await user.get("/api/notifications/unread-count")
            return counted.json()["unread"] == count or None

        await until(look, within=40)

    await unread(1)  # of the log-in by a browser that is new to this account
    async with held(user_page, "**/live/ticket"):
        await user_page.goto("/app/account")
        me = (await user.get("/api/users/me")).json()["id"]
        notification = {"title": "The lift is out", "body": "Please take the stairs."}
        async with user.socket() as socket:
            await admin.post(f"/api/admin/users/{me}/notify", notification)
            async with asyncio.timeout(PAGE_MS / 1000):
                while "The lift is out" not in str(await socket.recv()):
                    pass
        await unread(2)
    await expect(user_page.get_by_role("link", name="Notifications, 2 unread")).to_be_visible()


async def test_the_button_that_was_clicked_says_that_it_works(
    open_page: OpenPage, user: Visitor
) -> None:
    front = f"{user.base_url}/app"
    pages = [await log_in(await open_page(), front, user.email, PASSWORD) for _ in range(2)]
    await pages[0].goto("/app/account/sessions")
    await scripts_listen(pages[0])
    ends = pages[0].locator("main li button")
    await expect(ends).to_have_count(2)
    async with held(pages[0], "**/account/sessions.data*"):
        await ends.first.click()
        await expect(ends.first).to_have_text("One moment…")
        await expect(ends.last).to_have_text("End")
    await expect(ends).to_have_count(1)


async def test_a_form_that_is_sent_without_a_network_keeps_what_was_typed(user_page: Page) -> None:
    await user_page.goto("/app/profile/create")
    await scripts_listen(user_page)
    await user_page.get_by_label("First name").fill("Ana")
    await user_page.get_by_label("Last name").fill("Díaz")
    await user_page.context.set_offline(True)
    save = user_page.get_by_role("button", name="Save and go on")
    await save.click()
    await expect(user_page.get_by_role("alert")).to_contain_text("You are offline")
    await expect(user_page.get_by_label("Last name")).to_have_value("Díaz")
    await user_page.context.set_offline(False)
    await save.click()
    await expect(user_page).to_have_url(re.compile("/app/?$"))
