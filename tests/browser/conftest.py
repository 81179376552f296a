"""Pages of the running stack in a real browser, one for all tests: each page has its own cookies.

All fixtures and tests share one event loop, that of the browser.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    Request,
    Route,
    WebSocket,
    async_playwright,
    expect,
)

from tests.browser.chromium import NoBrowser, launched
from tests.conftest import admin_of_the_stack
from tests.stack import PASSWORD, Mailbox, Visitor, fresh_address

HERE = Path(__file__).parent
PAGE_MS = 30_000
FAILED = pytest.StashKey[bool]()
SAID = pytest.StashKey[list[str]]()

OpenPage = Callable[..., Awaitable[Page]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    if report.failed and (said := item.stash.get(SAID, [])):
        report.sections.append(("The browser said", "\n".join(said)))
    return report


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        try:
            found = await launched(playwright)
        except NoBrowser as error:
            pytest.skip(str(error))
        expect.set_options(timeout=PAGE_MS)
        yield found
        await found.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(
    browser: Browser, base_url: str, request: pytest.FixtureRequest
) -> AsyncIterator[OpenPage]:
    """A function that opens a page with cookies of its own, and with the options of a context.

    `await open_page(java_script_enabled=False)`. A screenshot of each page is kept when the test
    fails.
    """
    opened: list[Page] = []
    said = request.node.stash.setdefault(SAID, [])

    def console(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            said.append(f"{message.type}: {message.text}")

    def failed(asked: Request) -> None:
        said.append(f"failed: {asked.method} {asked.url} {asked.failure}")

    async def open_(**options: object) -> Page:
        options = {"locale": "en-GB", "viewport": {"width": 1440, "height": 900}, **options}
        context = await browser.new_context(base_url=base_url, **options)  # type: ignore[arg-type]
        context.set_default_timeout(PAGE_MS)
        page = await context.new_page()
        page.on("console", console)
        page.on("requestfailed", failed)
        page.on("pageerror", lambda error: said.append(f"uncaught: {error}"))
        opened.append(page)
        return page

    yield open_
    for number, page in enumerate(opened):
        if request.node.stash.get(FAILED, False):
            said.append(f"page {number} was at {page.url}")
            await _screenshot(page, _folder(request) / f"{request.node.name}-{number}.png")
        await page.context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(open_page: OpenPage) -> Page:
    """A page of somebody who is not logged in."""
    return await open_page()


@pytest_asyncio.fixture(loop_scope="session")
async def user_page(open_page: OpenPage, user: Visitor) -> Page:
    """A page at front-public of `user`, who is logged in and has no profile yet."""
    return await log_in(await open_page(), f"{user.base_url}/app", user.email, PASSWORD)


@pytest_asyncio.fixture(loop_scope="session")
async def admin_page(open_page: OpenPage, admin: Visitor) -> Page:
    """A page at front-admin of `admin`, who is logged in."""
    _, password = admin_of_the_stack()
    return await log_in(await open_page(), f"{admin.base_url}/admin", admin.email, password)


async def log_in(page: Page, front: str, email: str, password: str) -> Page:
    """Sends the log-in form of a front, whose address is `front`, without showing it."""
    reply = await page.request.post(
        f"{front}/login",
        form={"email": email, "password": password, "next": "/"},
        headers={"Origin": str(httpx.URL(front).copy_with(path="/")).rstrip("/")},
        max_redirects=0,
    )
    assert reply.status in {302, 303}, f"log-in answers {reply.status}: {await reply.text()}"
    return page


@asynccontextmanager
async def held(page: Page, urls: str) -> AsyncIterator[None]:
    """Requests of the page for these addresses wait until the block has ended."""
    done = asyncio.Event()

    async def hold(route: Route) -> None:
        await done.wait()
        await route.continue_()

    await page.route(urls, hold)
    try:
        yield
    finally:
        done.set()


@asynccontextmanager
async def before_scripts(page: Page, path: str) -> AsyncIterator[None]:
    """Shows the page at `path`; its scripts arrive when the block has ended."""
    async with held(page, "**/*.js"):
        await page.goto(path, wait_until="commit")
        yield


async def scripts_listen(page: Page) -> None:
    """Waits until the scripts of a page listen; what only works with them is shown from then on."""
    await expect(page.locator("html")).to_have_attribute("data-scripts", "listening")


async def go_live(page: Page, path: str) -> None:
    """Shows the page at `path` and waits until its socket tells that it is subscribed."""
    told = asyncio.Event()

    def opened(socket: WebSocket) -> None:
        socket.on("framereceived", lambda _: told.set())

    page.on("websocket", opened)
    await page.goto(path)
    async with asyncio.timeout(PAGE_MS / 1000):
        await told.wait()


@pytest_asyncio.fixture(loop_scope="session")
async def mailbox(request: pytest.FixtureRequest) -> AsyncIterator[Mailbox]:
    found = Mailbox(str(request.config.getoption("--mail-url")).rstrip("/"))
    yield found
    await found.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visitors(base_url: str, mailbox: Mailbox) -> AsyncIterator[Callable[..., Visitor]]:
    """Makes visitors, each with an address of their own."""
    made: list[Visitor] = []

    def make(email: str | None = None) -> Visitor:
        made.append(Visitor(base_url, mailbox, email or fresh_address()))
        return made[-1]

    yield make
    for visitor in made:
        await visitor.http.aclose()


@pytest_asyncio.fixture(loop_scope="session")
async def user(visitor: Visitor) -> Visitor:
    """Somebody who is signed up and logged in."""
    return await visitor.sign_up()


@pytest_asyncio.fixture(loop_scope="session")
async def admin(visitors: Callable[..., Visitor]) -> Visitor:
    """The admin whom ADMIN_EMAIL and ADMIN_PASSWORD name, logged in."""
    email, password = admin_of_the_stack()
    found = visitors(email)
    assert (await found.log_in(password)).status_code == 200
    return found


def _folder(request: pytest.FixtureRequest) -> Path:
    return Path(str(request.config.getoption("--screenshots")))


async def _screenshot(page: Page, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        await page.screenshot(path=path, full_page=True)
    except Error as error:  # a page that crashed or was closed shows nothing
        path.with_suffix(".txt").write_text(str(error))
