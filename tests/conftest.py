"""Which stack to test: `--base-url` and `--mail-url`, anywhere; the local one by default."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.stack import Mailbox, Visitor, fresh_address

SCREENSHOTS = Path(__file__).parents[1] / ".run" / "screenshots"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--base-url", default="http://127.0.0.1:8000", help="the gateway")
    parser.addoption("--mail-url", default="http://127.0.0.1:8025", help="the mailbox")
    parser.addoption("--screenshots", default=SCREENSHOTS, help="where pages of failed tests go")


@pytest.fixture(scope="session")
def base_url(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--base-url")).rstrip("/")


@pytest.fixture
async def mailbox(request: pytest.FixtureRequest) -> AsyncIterator[Mailbox]:
    found = Mailbox(str(request.config.getoption("--mail-url")).rstrip("/"))
    yield found
    await found.close()


@pytest.fixture
async def visitors(base_url: str, mailbox: Mailbox) -> AsyncIterator[Callable[..., Visitor]]:
    """Makes visitors, each with an address of their own."""
    made: list[Visitor] = []

    def make(email: str | None = None) -> Visitor:
        made.append(Visitor(base_url, mailbox, email or fresh_address()))
        return made[-1]

    yield make
    for visitor in made:
        await visitor.http.aclose()


@pytest.fixture
def visitor(visitors: Callable[..., Visitor]) -> Visitor:
    """Somebody who has not signed up yet."""
    return visitors()


@pytest.fixture
async def user(visitor: Visitor) -> Visitor:
    """Somebody who is signed up and logged in."""
    return await visitor.sign_up()


def admin_of_the_stack() -> tuple[str, str]:
    """The address and password of the stack's admin; skips the test where none is named."""
    email, password = os.environ.get("ADMIN_EMAIL"), os.environ.get("ADMIN_PASSWORD")
    if not email or not password:
        pytest.skip("ADMIN_EMAIL and ADMIN_PASSWORD name no admin of this stack")
    return email, password


@pytest.fixture
async def admin(visitors: Callable[..., Visitor]) -> Visitor:
    """The admin whom ADMIN_EMAIL and ADMIN_PASSWORD name, logged in."""
    email, password = admin_of_the_stack()
    found = visitors(email)
    assert (await found.log_in(password)).status_code == 200
    return found


Eventually = Callable[..., Awaitable[object]]
