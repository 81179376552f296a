"""An address that a page shows is one that the stack answers at."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from devtools.checks.pages.page import Page, Text, pages
from devtools.checks.tree import Finding, Tree

ADDRESS = re.compile(r"https?://(?:127\.0\.0\.1|localhost):(\d+)(/[^\s\"'`|)>?]*)?")
CALL = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (/[^\s?]*)(?:\?\S*)?")
SENDS = re.compile(r"\s(?:-d|--data\S*|--json|-F|--form)\s")
METHOD = re.compile(r"\s(?:-X|--request)[ =]?(\w+)")
ROUTE = re.compile(r"@\w+\.(get|post|delete)\(\s*\"(/[^\"]*)\"")
HEALTH = ("/health", "/health/live", "/health/ready")
GATEWAY, MAILBOX = "back-gateway", "mailbox"


@dataclass(frozen=True)
class Endpoint:
    service: str
    method: str
    path: str
    public: bool

    def answers(self, method: str, path: str) -> bool:
        stated, own = path.split("/"), self.path.split("/")
        return method == self.method and len(stated) == len(own) and all(map(_same, stated, own))


def addresses(tree: Tree) -> Iterator[Finding]:
    """`curl` and links to this machine, and calls like `POST /auth/login` in backticks."""
    ports = _ports(tree)
    known = [*_contracted(tree), *_mailbox(tree)]
    for page in pages(tree):
        for it, method, port, path in _shown(page):
            if port not in ports:
                yield Finding(page.path, it.line, f"nothing of the stack listens on port {port}.")
            elif path and not _answered(known, ports[port], method, path):
                owner = ports[port]
                yield Finding(page.path, it.line, f"{owner} has no {method} {path} in a contract.")
        for it in page.code:
            call = CALL.fullmatch(it.text)
            if call and not any(endpoint.answers(call[1], call[2]) for endpoint in known):
                yield Finding(page.path, it.line, f"no contract has {it.text}.")


def _shown(page: Page) -> Iterator[tuple[Text, str, int, str]]:
    for it in [*page.prose, *page.shown]:
        begun = [0, *(found.start() for found in re.finditer(r"\bcurl\b", it.text)), len(it.text)]
        for start, end in itertools.pairwise(begun):
            part = re.split(r"\s\|\s", it.text[start:end])[0]
            told = METHOD.search(part)
            method = told[1] if told else "POST" if SENDS.search(part) else "GET"
            for found in ADDRESS.finditer(it.text[start:end]):
                yield it, method, int(found[1]), found[2] or ""


def _answered(known: list[Endpoint], service: str, method: str, path: str) -> bool:
    if service not in {MAILBOX, GATEWAY} and not any(it.service == service for it in known):
        return True
    return any(
        endpoint.answers(method, path)
        for endpoint in known
        if endpoint.service == service or (service == GATEWAY and endpoint.public)
    )


def _ports(tree: Tree) -> dict[int, str]:
    """Whose each published port is."""
    return {
        int(published.split(":")[-2]): name
        for path in tree.root.glob("docker-compose.yml")
        for name, service in yaml.safe_load(path.read_text())["services"].items()
        for published in service.get("ports", [])
    }


def _contracted(tree: Tree) -> Iterator[Endpoint]:
    services = set()
    for path in sorted((tree.root / "shared" / "contracts").glob("*/feature.yaml")):
        contract = yaml.safe_load(path.read_text())
        for it in contract.get("endpoints", []):
            services.add(it["service"])
            yield Endpoint(it["service"], it["method"], it["path"], "auth_required" in it)
        for it in contract.get("sockets", []):
            yield Endpoint(it["service"], "GET", it["path"], public=True)
    for service in services:
        for health in HEALTH:
            yield Endpoint(service, "GET", health, public=False)
    yield Endpoint(GATEWAY, "GET", "/health", public=True)
    yield Endpoint(GATEWAY, "GET", "/gateway/live", public=True)


def _mailbox(tree: Tree) -> Iterator[Endpoint]:
    """Its routes as the decorators name them: no contract describes a tool."""
    for path in sorted((tree.root / "mailbox").glob("*.py")):
        for method, route in ROUTE.findall(path.read_text()):
            yield Endpoint(MAILBOX, method.upper(), route, public=False)


def _same(stated: str, own: str) -> bool:
    return stated == own or own.startswith("{") or stated.startswith(("$", "{", "<"))
