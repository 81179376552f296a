"""The gateway sheds requests to a service that can't hold them; critical ones still pass."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import Started
from tests.gateway_harness import Gateway, Upstream, upstream

AT_ONCE = 6
SCRIPT = Path(__file__).parents[1] / "gateway.js"


@pytest.fixture(scope="module")
def auth() -> Iterator[Upstream]:
    with upstream() as service:
        yield service


@pytest.fixture(scope="module")
def gateway(start: Started, auth: Upstream) -> Gateway:
    return start(REQUESTS_PER_SERVICE=str(AT_ONCE), BACK_AUTH_URL=auth.url)


class TestAtOnce:
    def test_requests_beyond_the_limit_are_refused_at_once(self, gateway: Gateway) -> None:
        service = gateway.service
        with ThreadPoolExecutor(AT_ONCE) as pool:
            under_way = [pool.submit(gateway.send, "/admin/held") for _ in range(AT_ONCE)]
            try:
                _until(lambda: len(service.seen) == AT_ONCE)
                answer = gateway.send("/admin/x")
                assert gateway.send("/auth/x").status == 200, "another service has room"
                assert gateway.send("/health").status == 200, "critical requests have their own"
            finally:
                service.go_on.set()
        problem = answer.problem()
        assert (problem["status"], problem["code"]) == (503, "overloaded")
        assert problem["instance"] == "/admin/x"
        assert answer.header("retry-after") == "1"
        assert {it.result().status for it in under_way} == {200}


class TestOverloadedService:
    def test_requests_that_it_would_refuse_are_not_sent(
        self, gateway: Gateway, auth: Upstream
    ) -> None:
        auth.overloaded = True
        auth.seen.clear()
        try:
            answers = [gateway.send('/auth/x?ticket="1"') for _ in range(300)]
        finally:
            auth.overloaded = False
        assert {answer.status for answer in answers} == {503}
        shed = [answer for answer in answers if answer.body != b"ok"]
        problems = [answer.problem() for answer in shed]
        assert {problem["code"] for problem in problems} == {"overloaded"}
        assert {problem["instance"] for problem in problems} == {"/auth/x"}
        assert len({problem["correlation_id"] for problem in problems}) == len(shed)
        assert {answer.header("cache-control") for answer in shed} == {"no-store"}
        assert all(answer.header("x-correlation-id") for answer in shed)
        assert {answer.header("retry-after") for answer in shed} == {"1"}
        assert len(auth.seen) < 150, "a fifth, and those until the gateway sheds"
        assert all(answer.all("x-overloaded") == [] for answer in answers)

    def test_critical_requests_are_sent_all_the_same(
        self, gateway: Gateway, auth: Upstream
    ) -> None:
        auth.overloaded = True
        auth.seen.clear()
        try:
            for _ in range(100):
                gateway.send("/auth/x")
            auth.seen.clear()
            for path in ("/auth/logout", "/auth/refresh", "/.well-known/jwks.json"):
                for _ in range(10):
                    gateway.send(path)
        finally:
            auth.overloaded = False
        assert len(auth.seen) == 30

    def test_it_gets_its_requests_again_once_it_accepts_them(
        self, gateway: Gateway, auth: Upstream
    ) -> None:
        auth.overloaded = True
        try:
            for _ in range(300):
                gateway.send("/auth/x")
        finally:
            auth.overloaded = False

        _until(lambda: all(gateway.send("/auth/x").status == 200 for _ in range(20)))

    def test_its_refusal_says_what_gateway_js_says(self, gateway: Gateway, auth: Upstream) -> None:
        auth.overloaded = True
        try:
            answers = [gateway.send('/auth/a"b') for _ in range(200)]
        finally:
            auth.overloaded = False
        problem = next(answer for answer in answers if answer.body != b"ok").problem()
        _, _, following = SCRIPT.read_text().partition("const OVERLOADED = {")
        said, _, _ = following.partition("};")
        assert all(f"{name}: '{problem[name]}'" in said for name in ("code", "title", "detail"))
        assert problem["type"] == f"urn:tools-dashboard:problem:{problem['code']}"
        assert (problem["status"], problem["instance"]) == (503, "/auth/a")

    def test_other_services_are_not_concerned(self, gateway: Gateway, auth: Upstream) -> None:
        auth.overloaded = True
        try:
            for _ in range(100):
                gateway.send("/auth/x")
            assert {gateway.send("/api/x").status for _ in range(50)} == {200}
        finally:
            auth.overloaded = False


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)  # noqa: TID251 - the interval of the polling
