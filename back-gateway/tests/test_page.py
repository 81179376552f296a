"""A browser that asks for a page of a front gets a page where the gateway answers itself."""

import re

import pytest

from tests.conftest import Started
from tests.gateway_harness import Answer, Gateway, free_port

BROWSER = ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")


@pytest.fixture(scope="module")
def gateway(start: Started) -> Gateway:
    """The gateway before a front-admin that is stopped."""
    return start(FRONT_ADMIN_URL=f"http://127.0.0.1:{free_port()}")


def _language_and_title(answer: Answer) -> tuple[str, str]:
    assert answer.header("content-type") == "text/html; charset=utf-8"
    found = re.search(r'<html lang="(..)">.*<h1>(.*)</h1>', answer.body.decode(), re.DOTALL)
    assert found, answer.body
    return found[1], found[2]


def test_a_stopped_front_is_a_page_that_loads_itself_again(gateway: Gateway) -> None:
    answer = gateway.send("/admin/users?search=x", BROWSER)

    assert _language_and_title(answer) == ("en", "Not available at the moment")
    assert answer.status == 503
    assert answer.header("retry-after") == "2"
    assert answer.header("refresh") == "5"
    assert answer.header("cache-control") == "no-store"
    assert str(answer.header("x-correlation-id")) in answer.body.decode()


def test_its_policy_allows_its_style_and_nothing_else(gateway: Gateway) -> None:
    answer = gateway.send("/admin", BROWSER)

    policy = str(answer.header("content-security-policy"))
    nonce = re.search("style-src 'nonce-([^']+)'", policy)
    assert nonce
    assert policy.startswith("default-src 'none'; ")
    assert f'<style nonce="{nonce[1]}">' in answer.body.decode()
    assert b"<script" not in answer.body


@pytest.mark.parametrize(
    "accepted, language",
    [
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("fr, en;q=0.5, es;q=0.7", "es"),
        ("es;q=0, en", "en"),
        ("fr", "en"),
    ],
)
def test_it_has_the_language_of_the_browser(gateway: Gateway, accepted: str, language: str) -> None:
    answer = gateway.send("/admin", BROWSER, ("Accept-Language", accepted))

    assert _language_and_title(answer)[0] == language


def test_after_a_form_it_does_not_load_itself_again(gateway: Gateway) -> None:
    answer = gateway.send("/admin/login", BROWSER, method="POST", body=b"email=x")

    assert "Go back and look" in answer.body.decode()
    assert answer.header("refresh") is None


@pytest.mark.parametrize("accepted", ["application/json", "*/*"])
def test_programs_get_problem_details(gateway: Gateway, accepted: str) -> None:
    answer = gateway.send("/admin/_root.data", ("Accept", accepted))

    assert answer.problem()["code"] == "unavailable"
    assert answer.header("refresh") is None


def test_the_api_answers_browsers_with_problem_details(gateway: Gateway) -> None:
    assert gateway.send("/auth/x", BROWSER).problem()["code"] == "unavailable"


def test_a_front_that_hangs_is_a_page(gateway: Gateway) -> None:
    answer = gateway.send("/app/hang", BROWSER)

    assert _language_and_title(answer)[1] == "This takes too long"
    assert answer.status == 504


def test_too_many_requests_are_a_page(start: Started) -> None:
    gateway = start(RATE_LIMIT_PER_MINUTE="2")

    *first, refused = (gateway.send("/app/login", BROWSER) for _ in range(3))

    assert [answer.body for answer in first] == [b"ok", b"ok"]
    assert _language_and_title(refused)[1] == "Too many requests"
    assert (refused.status, refused.header("retry-after")) == (429, "30")
