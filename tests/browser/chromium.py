"""Finds the browser of the tests, or installs it."""

import asyncio
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, Playwright

INSTALL = (sys.executable, "-m", "playwright", "install", "chromium-headless-shell")
INSTALL_SECONDS = 120
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = (
    "--no-sandbox",  # root has none, as in CI
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",  # nothing is drawn in 3D, and there is none but one of software
    "--disable-software-rasterizer",
    "--no-first-run",
)


@dataclass(frozen=True)
class NoBrowser(Exception):
    """There is none, and none could be installed; `said` is why."""

    said: str

    def __str__(self) -> str:
        return (
            f"no browser: install chromium (apt-get install chromium), or run "
            f"`{' '.join(INSTALL)}` where the network allows it ({self.said})"
        )


async def launched(playwright: Playwright) -> Browser:
    """A headless Chromium: the one on PATH, else Playwright's own, installed when it is missing.

    Raises NoBrowser.
    """
    found = next(filter(None, map(shutil.which, NAMES)), None)
    own = Path(playwright.chromium.executable_path)
    if not found and not own.exists():
        await _install()
    return await playwright.chromium.launch(executable_path=found, args=list(OPTIONS))


async def _install() -> None:
    if os.environ.get("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD"):
        raise NoBrowser("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD is set")
    process = await asyncio.create_subprocess_exec(
        *INSTALL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(INSTALL_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise NoBrowser(f"the download took more than {INSTALL_SECONDS} s") from None
    if process.returncode:
        lines = output.decode(errors="replace").strip().splitlines()
        raise NoBrowser(lines[-1] if lines else f"exit code {process.returncode}")
