"""Every page of both fronts: as axe reads it, at the widths of screens, and by keyboard alone."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from playwright.async_api import Page, expect

from tests.browser.accessibility import serious_violations
from tests.browser.conftest import OpenPage, log_in, scripts_listen
from tests.conftest import admin_of_the_stack
from tests.stack import PASSWORD, Visitor

pytestmark = pytest.mark.timeout(300)  # each test reads many pages

WIDTHS = (360, 768, 1440)


@dataclass(frozen=True)
class Look:
    """How pages are shown; `tabbed` where the keyboard is tried too, which once is enough for."""

    scheme: str
    language: str
    tabbed: bool

    def __str__(self) -> str:
        return f"{self.scheme}-{self.language}"


LOOKS = (Look("light", "en", tabbed=True), Look("dark", "es", tabbed=False))

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
TABBED = """() => {
    const kinds = ["a[href]", "button", "input:not([type=hidden])", "select", "textarea"];
    const all = document.querySelectorAll([...kinds, "summary", "[tabindex='0']"].join());
    window.controls = [...all].filter(
        (it) => !it.disabled && it.tabIndex >= 0 && it.checkVisibility({visibilityProperty: true}));
    window.shown = new Set();
    addEventListener("focusin", ({target}) => {
        if (getComputedStyle(target).outlineStyle !== "none") window.shown.add(target);
    });
    return window.controls.length;
}"""
UNREACHED = """() => window.controls
    .filter((it) => !window.shown.has(it))
    .map((it) => it.outerHTML.slice(0, 120))"""


async def shown(page: Page, path: str) -> None:
    await page.set_viewport_size({"width": WIDTHS[-1], "height": 900})
    await page.goto(path)
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await scripts_listen(page)


async def faults(page: Page, path: str, look: Look) -> list[str]:
    """What is wrong with the page at `path`.

    That is violations, widths at which it is wider, and controls that Tab does not reach.
    """
    await shown(page, path)
    await expect(page.locator("html")).to_have_attribute("lang", look.language)
    found = await serious_violations(page)
    if look.tabbed and await unreached(page):
        await shown(page, path)  # the focus may have moved when the scripts began to listen
        found += [f"{path}: Tab does not reach and show {it}" for it in await unreached(page)]
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 900})
        if await page.evaluate(WIDER):
            found.append(f"{path} is wider than {width} pixels")
    return found + await serious_violations_when_narrow(page)


async def serious_violations_when_narrow(page: Page) -> list[str]:
    """Violations where tables stand as blocks; other pages have the same elements as before."""
    await page.set_viewport_size({"width": WIDTHS[0], "height": 900})
    return await serious_violations(page) if await page.locator(".table-block").count() else []


async def unreached(page: Page) -> list[str]:
    """The controls of a page that Tab does not reach, or that do not show that they are."""
    for _ in range(await page.evaluate(TABBED)):
        await page.keyboard.press("Tab")
    found: list[str] = await page.evaluate(UNREACHED)
    return found


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


async def faults_of(page: Page, paths: Sequence[str], look: Look) -> list[str]:
    """The faults of all `paths`, half of them shown in `page` and half in a page beside it."""
    other = await page.context.new_page()
    halves = ((page, paths[::2]), (other, paths[1::2]))
    found = await asyncio.gather(*(_one_by_one(it, half, look) for it, half in halves))
    return [fault for half in found for fault in half]


async def _one_by_one(page: Page, paths: Sequence[str], look: Look) -> list[str]:
    return [fault for path in paths for fault in await faults(page, path, look)]


@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_pages_of_visitors(open_page: OpenPage, look: Look) -> None:
    page = await open_page(color_scheme=look.scheme, locale=look.language)
    assert not await faults_of(page, VISITORS_PAGES, look)


@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_pages_of_members(open_page: OpenPage, user: Visitor, look: Look) -> None:
    page = await open_page(color_scheme=look.scheme, locale=look.language)
    await log_in(page, f"{user.base_url}/app", user.email, PASSWORD)
    assert not await faults_of(page, MEMBERS_PAGES, look)


@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_pages_of_admins(
    open_page: OpenPage, admin: Visitor, user: Visitor, look: Look
) -> None:
    page = await open_page(color_scheme=look.scheme, locale=look.language)
    _, password = admin_of_the_stack()
    await log_in(page, f"{admin.base_url}/admin", admin.email, password)
    async with pages_of_items(admin, user) as items:
        assert not await faults_of(page, (*ADMINS_PAGES, *items), look)
