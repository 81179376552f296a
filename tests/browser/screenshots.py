"""Takes the pictures of docs/screenshots from a stack that has the data of `./dev seed`.

`./dev screenshots` runs it.
"""

import asyncio
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, async_playwright

from tests.browser.chromium import launched
from tests.browser.conftest import log_in

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
USER, ADMIN = "maya@demo.example", "admin@demo.example"


@dataclass(frozen=True)
class Picture:
    """A page at `path` as `email` sees it; `size` is that of the window in pixels."""

    name: str
    path: str
    email: str
    size: tuple[int, int] = (1280, 800)
    colors: Literal["light", "dark"] = "light"


PICTURES = (
    Picture("library", "/app", USER),
    Picture("library-on-a-phone", "/app", USER, (390, 800), "dark"),
    Picture("notifications", "/app/notifications", USER, (1280, 640)),
    Picture("health", "/admin", ADMIN, (1280, 940)),
    Picture("users", "/admin/users", ADMIN, (1280, 640)),
    Picture("events", "/admin/events", ADMIN, (1280, 800), "dark"),
)


async def take(browser: Browser, base_url: str, password: str, picture: Picture) -> None:
    width, height = picture.size
    context = await browser.new_context(
        base_url=base_url,
        locale="en-GB",
        viewport={"width": width, "height": height},
        color_scheme=picture.colors,
        reduced_motion="reduce",
    )
    front = "/" + picture.path.split("/")[1]
    page = await log_in(await context.new_page(), base_url + front, picture.email, password)
    await page.goto(picture.path)
    await page.wait_for_load_state("networkidle")
    await page.screenshot(path=FOLDER / f"{picture.name}.png")
    await context.close()


async def main() -> None:
    parser = ArgumentParser()
    parser.add_argument("--base-url", required=True, help="the gateway")
    parser.add_argument("--password", required=True, help="of the demo accounts")
    given = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await launched(playwright)
        for picture in PICTURES:
            await take(browser, given.base_url, given.password, picture)
            print(f"docs/screenshots/{picture.name}.png")  # noqa: T201 - what it made
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
