"""`/health` for people: the page beside the JSON that programs get."""

from fastapi import FastAPI

from shared.kit.errors import Unavailable
from shared.kit.runtime.health import HealthChecks
from shared.models.event_administration import Backlog, ConsumerBacklog
from shared.testing.asgi_client import running

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def service(checks: HealthChecks) -> FastAPI:
    api = FastAPI()
    api.include_router(checks.router())
    return api


async def broken() -> None:
    raise Unavailable("<b>gone</b>")


async def backlog() -> Backlog:
    return Backlog(consumers=[ConsumerBacklog(consumer="mail", pending=4, leased=1, dead=2)])


async def test_a_browser_gets_a_page_and_a_program_json() -> None:
    async with running(service(HealthChecks("orders", "1.2.3"))) as client:
        page = await client.get("/health", headers=BROWSER)
        document = await client.get("/health", headers={"Accept": "*/*"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>orders: ok</title>" in page.text
    assert document.json()["version"] == "1.2.3"
    assert (page.headers["vary"], document.headers["vary"]) == ("Accept", "Accept")


async def test_the_page_shows_what_is_down_and_escapes_what_it_says() -> None:
    checks = HealthChecks("orders", "1")
    checks.uses("payments", broken)
    async with running(service(checks)) as client:
        page = (await client.get("/health", headers=BROWSER)).text
    assert "<title>orders: degraded</title>" in page
    assert '<td>payments</td><td><span class="down">down</span></td>' in page
    assert "&lt;b&gt;gone&lt;/b&gt;" in page


async def test_the_page_shows_the_deliveries_of_each_consumer() -> None:
    checks = HealthChecks("orders", "1")
    checks.shows_backlog(backlog)
    async with running(service(checks)) as client:
        page = (await client.get("/health", headers=BROWSER)).text
    assert '<td>mail</td><td></td><td class="number">5</td><td>2 dead</td>' in page


async def test_the_policy_of_the_page_allows_its_own_style_alone() -> None:
    async with running(service(HealthChecks("orders", "1"))) as client:
        page = await client.get("/health", headers=BROWSER)
    policy = page.headers["content-security-policy"]
    nonce = policy.partition("'nonce-")[2].partition("'")[0]
    assert nonce
    assert f'<style nonce="{nonce}">' in page.text
    assert policy.startswith("default-src 'none'")
    assert "<script" not in page.text
