"""Every page of both fronts: as axe reads it, at the widths of screens, and by keyboard alone."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Page, expect

from tests.browser.accessibility import serious_violations
from tests.browser.conftest import OpenPage, log_in
from tests.conftest import admin_of_the_stack
from tests.stack import PASSWORD, Visitor

pytestmark = pytest.mark.timeout(300)  # each test reads many pages

WIDTHS = (360, 768, 1440)
LOOKS = [("light", "en"), ("dark", "es")]
MOST_TABS = 400

VISITORS_PAGES = (
    "/app/login",
    "/app/login?out=1",
    "/app/register",
    "/app/register/sent",
    "/app/confirm?token=x",
    "/app/password-reset",
    "/app/password-reset?sent=1",
    "/app/password-reset?token=x",
    "/app/account-deleted",
    "/app/nothing",
    "/admin/login?refused=1",
    "/admin/nothing",
)
MEMBERS_PAGES = (
    "/app",
    "/app?search=nothing-is-called-this",
    "/app/profile/create",
    "/app/notifications",
    "/app/notifications/preferences",
    "/app/account",
    "/app/account/password",
    "/app/account/sessions",
    "/app/account/data?refused=out",
    "/app/account/delete",
)
ADMINS_PAGES = (
    "/admin",
    "/admin/users",
    "/admin/users?search=nobody-is-called-this",
    "/admin/tools",
    "/admin/tools/new",
    "/admin/tasks",
    "/admin/exports?refused=link",
    "/admin/events",
    "/admin/audit",
)
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
CONTROLS = """() => {
    const kinds = ["a[href]", "button", "input:not([type=hidden])", "select", "textarea"];
    const all = document.querySelectorAll([...kinds, "summary", "[tabindex='0']"].join());
    window.controls = [...all].filter(
        (it) => !it.disabled && it.tabIndex >= 0 && it.checkVisibility({visibilityProperty: true}));
    return window.controls.map((it) => it.outerHTML.slice(0, 120));
}"""
FOCUSED = """() => {
    const it = document.activeElement;
    if (it === document.body) return [null, false];
    return [window.controls.indexOf(it), getComputedStyle(it).outlineStyle !== "none"];
}"""


async def faults(page: Page, path: str, language: str) -> list[str]:
    """What is wrong with the page at `path`: violations, and widths at which it is wider."""
    await page.set_viewport_size({"width": WIDTHS[-1], "height": 900})
    await page.goto(path)
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await expect(page.locator("html")).to_have_attribute("lang", language)
    found = await serious_violations(page)
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 900})
        if await page.evaluate(WIDER):
            found.append(f"{path} is wider than {width} pixels")
    return found + await serious_violations_when_narrow(page)


async def serious_violations_when_narrow(page: Page) -> list[str]:
    """Violations where tables stand as blocks; other pages have the same elements as before."""
    await page.set_viewport_size({"width": WIDTHS[0], "height": 900})
    return await serious_violations(page) if await page.locator(".table-block").count() else []


async def unreached(page: Page, path: str) -> list[str]:
    """The controls of a page that Tab does not reach, or that do not show that they are."""
    await page.goto(path)
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    controls = await page.evaluate(CONTROLS)
    shown: set[int | None] = set()
    for _ in range(MOST_TABS):
        await page.keyboard.press("Tab")
        index, outlined = await page.evaluate(FOCUSED)
        if outlined:
            shown.add(index)
        if index in {None, len(controls) - 1}:
            break
    return [f"{path}: {html}" for index, html in enumerate(controls) if index not in shown]


@asynccontextmanager
async def pages_of_items(admin: Visitor, user: Visitor) -> AsyncIterator[list[str]]:
    """Pages of front-admin that show one user, one tool and one delivery."""
    tool = {"name": f"Of {user.email}", "summary": "A tool", "category": "Tests", "access": "all"}
    made = (
        await admin.post("/api/admin/tools", {**tool, "url": "https://tool.example.org"})
    ).json()
    me = (await user.get("/api/users/me")).json()
    deliveries = (await admin.get("/api/admin/events", limit=1)).json()["items"]
    yield [
        f"/admin/users/{me['id']}",
        f"/admin/users/{me['id']}/notify",
        f"/admin/tools/{made['id']}",
        *(f"/admin/events/{it['delivery_id']}" for it in deliveries),
    ]
    await admin.delete(f"/api/admin/tools/{made['id']}")


async def faults_of(page: Page, paths: Iterable[str], language: str) -> list[str]:
    return [fault for path in paths for fault in await faults(page, path, language)]


@pytest.mark.parametrize("scheme,language", LOOKS)
async def test_pages_of_visitors(open_page: OpenPage, scheme: str, language: str) -> None:
    page = await open_page(color_scheme=scheme, locale=language)
    assert not await faults_of(page, VISITORS_PAGES, language)


@pytest.mark.parametrize("scheme,language", LOOKS)
async def test_pages_of_members(
    open_page: OpenPage, user: Visitor, scheme: str, language: str
) -> None:
    page = await open_page(color_scheme=scheme, locale=language)
    await log_in(page, f"{user.base_url}/app", user.email, PASSWORD)
    assert not await faults_of(page, MEMBERS_PAGES, language)


@pytest.mark.parametrize("scheme,language", LOOKS)
async def test_pages_of_admins(
    open_page: OpenPage, admin: Visitor, user: Visitor, scheme: str, language: str
) -> None:
    page = await open_page(color_scheme=scheme, locale=language)
    _, password = admin_of_the_stack()
    await log_in(page, f"{admin.base_url}/admin", admin.email, password)
    async with pages_of_items(admin, user) as items:
        assert not await faults_of(page, (*ADMINS_PAGES, *items), language)


async def test_tab_reaches_every_control_of_visitors_and_members(
    page: Page, user_page: Page
) -> None:
    found = [it for path in VISITORS_PAGES for it in await unreached(page, path)]
    found += [it for path in MEMBERS_PAGES for it in await unreached(user_page, path)]
    assert not found


async def test_tab_reaches_every_control_of_admins(
    admin_page: Page, admin: Visitor, user: Visitor
) -> None:
    async with pages_of_items(admin, user) as items:
        found = [it for path in (*ADMINS_PAGES, *items) for it in await unreached(admin_page, path)]
    assert not found
