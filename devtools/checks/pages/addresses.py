"""An address that a page shows is one that the stack answers at."""

import itertools
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from devtools.checks.compose import Compose
from devtools.checks.pages.page import pages
from devtools.checks.tree import Finding, Tree
from devtools.contracts.fronts import is_front
from shared.testing.yaml_source import load

ADDRESS = re.compile(r"https?://(?:127\.0\.0\.1|localhost):(\d+)(/[^\s\"'`|)>?]*)?")
CALL = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (/[^\s?]*)(?:\?\S*)?")
CURL = re.compile(r"\bcurl\b")
SENDS = re.compile(r"\s(?:-d|--data\S*|--json|-F|--form)\s")
METHOD = re.compile(r"\s(?:-X|--request)[ =]?(\w+)")
ROUTE = re.compile(r"@\w+\.(get|post|delete)\(\s*\"(/[^\"]*)\"")
HEALTH = ("/health", "/health/live", "/health/ready")
GATEWAY, MAILBOX = "back-gateway", "mailbox"


class Endpoint(NamedTuple):
    service: str
    method: str
    path: str

    def answers(self, method: str, path: str) -> bool:
        stated, own = path.split("/"), self.path.split("/")
        return (method, len(stated)) == (self.method, len(own)) and all(
            it == there or there.startswith("{") or it.startswith(("$", "{", "<"))
            for it, there in zip(stated, own, strict=True)
        )


def addresses(tree: Tree) -> Iterator[Finding]:
    """`curl` and links to this machine, and calls like `POST /auth/login` in backticks."""
    ports = {
        int(published.split(":")[-2]): name
        for name, service in Compose(tree).services.items()
        for published in service.get("ports", [])
    }
    known = {*_contracted(tree), *_mailbox(tree)}
    of_fronts = _of_fronts(tree)
    described = {MAILBOX, *(it.service for it in known)}
    for page in pages(tree):
        for it in page.texts:
            for method, port, path in _shown(it.text):
                owner = ports.get(port)
                own = [endpoint for endpoint in known if endpoint.service == owner]
                if owner is None:
                    what = f"nothing of the stack listens on port {port}."
                    yield Finding(page.path, it.line, what)
                elif owner == GATEWAY and f"{path}/".startswith(of_fronts):
                    continue
                elif path and owner in described and not _answered(own, method, path):
                    what = f"{owner} has no {method} {path} in a contract."
                    yield Finding(page.path, it.line, what)
        for it in page.code:
            call = CALL.fullmatch(it.text)
            if call and not _answered(known, call[1], call[2]):
                yield Finding(page.path, it.line, f"no contract has {it.text}.")


def _shown(text: str) -> Iterator[tuple[str, int, str]]:
    """Method, port and path of each address; the method is that of the curl before it."""
    starts = [0, *(found.start() for found in CURL.finditer(text)), len(text)]
    for start, end in itertools.pairwise(starts):
        command = re.split(r"\s\|\s", text[start:end])[0]
        stated = METHOD.search(command)
        method = stated[1] if stated else "POST" if SENDS.search(command) else "GET"
        for found in ADDRESS.finditer(text[start:end]):
            yield method, int(found[1]), found[2] or ""


def _answered(endpoints: Iterable[Endpoint], method: str, path: str) -> bool:
    return any(endpoint.answers(method, path) for endpoint in endpoints)


def _contracted(tree: Tree) -> Iterator[Endpoint]:
    """What the contracts describe, and what people call at the gateway too."""
    yield Endpoint(GATEWAY, "GET", "/health")
    yield Endpoint(GATEWAY, "GET", "/gateway/live")
    yield Endpoint(GATEWAY, "GET", "/docs")
    for path in sorted((tree.root / "shared" / "contracts").glob("*/feature.yaml")):
        contract = load(path.read_text())
        for it in contract.get("endpoints", []):
            for service in (it["service"], GATEWAY) if "auth_required" in it else (it["service"],):
                yield Endpoint(service, it["method"], it["path"])
            yield from (Endpoint(it["service"], "GET", health) for health in HEALTH)
        for it in contract.get("sockets", []):
            yield from (Endpoint(name, "GET", it["path"]) for name in (it["service"], GATEWAY))


def _of_fronts(tree: Tree) -> tuple[str, ...]:
    """Where the pages of the fronts are; no contract describes one."""
    kong = tree.root / "back-gateway" / "kong.yml"
    services = load(kong.read_text())["services"] if kong.exists() else []
    routes = [it for service in services if is_front(service["name"]) for it in service["routes"]]
    return tuple(path for it in routes for path in it["paths"] if path.endswith("/"))


def _mailbox(tree: Tree) -> Iterator[Endpoint]:
    """Its routes as the decorators name them: no contract describes a tool."""
    for path in sorted((tree.root / "mailbox").glob("*.py")):
        for method, route in ROUTE.findall(path.read_text()):
            yield Endpoint(MAILBOX, method.upper(), route)
