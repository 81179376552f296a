"""A service folder is copied by hand by the steps in back-api/CONTEXT.md, "Copy it"."""

import json
import re
import sys
import urllib.error
import urllib.request

import pytest

from tests.scaffold.clone import Clone

pytestmark = pytest.mark.timeout(1800)  # environments are made, a stack runs, and all its tests

OFFSET = 7300
STACK = ("--stack", "copied", "--port-offset", str(OFFSET))


def test_a_copy_of_back_api_is_a_service_of_its_own(clone: Clone) -> None:
    clone.dev("help")  # brings uv
    page = (clone.root / "back-api" / "CONTEXT.md").read_text().partition("## Copy it\n")[2]
    follow(clone, page)

    assert sum(re.match(r"\d\. ", line) is not None for line in page.splitlines()) == 5
    clone.dev("check")
    clone.dev("test", "back-reports")
    try:
        clone.dev(*STACK, "up", "--detach", "--without", "cassandra")
        status, problem = answer(f"http://127.0.0.1:{8000 + OFFSET}/reports/users/me")
    finally:
        clone.dev(*STACK, "down")
    assert (status, problem["code"]) == (401, "token_missing")


def follow(clone: Clone, page: str) -> None:
    """The block of commands, the five edits, the command behind them."""
    [block] = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    done = clone.run("sh", "-ec", block)
    assert done.returncode == 0, done.stdout

    insert(clone, "pyproject.toml", '    "back-auth",\n', '    "back-reports",\n')
    compose = (clone.root / "docker-compose.yml").read_text()
    [service] = re.findall(r"^  back-api:\n(?:    .*\n)+\n", compose, re.MULTILINE)
    copied = service.replace("back-api", "back-reports").replace("8100", "8120")
    insert(clone, "docker-compose.yml", service, copied)
    volume = "      - secrets-back-api:/secrets-by-owner/back-api\n"
    insert(clone, "docker-compose.yml", volume, volume.replace("back-api", "back-reports"))
    key = "        back-api:key=idempotency\n"
    insert(clone, "docker-compose.yml", key, key.replace("back-api", "back-reports"))
    volume = "  secrets-back-api: {}\n"
    insert(clone, "docker-compose.yml", volume, volume.replace("back-api", "back-reports"))
    kong = (clone.root / "back-gateway" / "kong.yml").read_text()
    [route] = re.findall(r"^  - name: back-auth\n(?:    .*\n)+\n", kong, re.MULTILINE)
    own = route.split("      - name: end-and-refresh-of-sessions")[0].replace(
        "back-auth", "back-reports"
    )
    own = own.replace("8101", "8120").replace("auth", "reports") + "\n"
    insert(clone, "back-gateway/kong.yml", route, own)

    assert clone.run(".run/venvs/uv/bin/uv", "lock", "--quiet").returncode == 0
    [command] = re.findall(r"`\./dev (service join [^`]*)`", page)
    clone.dev(*command.replace("NAME", "back-reports").split())
    for fix in (("check", "--fix", "--select", "I", "--quiet"), ("format", "--quiet")):
        assert clone.run(sys.executable, "-m", "ruff", *fix, "back-reports").returncode == 0


def insert(clone: Clone, name: str, after: str, text: str) -> None:
    path = clone.root / name
    assert path.read_text().count(after) == 1, f"{name} has not one {after!r}"
    path.write_text(path.read_text().replace(after, after + text))


def answer(url: str) -> tuple[int, dict[str, str]]:
    try:
        with urllib.request.urlopen(url, timeout=60) as reply:  # noqa: S310 - our own address
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
