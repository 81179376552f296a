"""A running stack held to the contracts of this checkout."""

import json
from collections.abc import Iterator
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from pydantic import ValidationError

from devtools.contracts import generated_files
from devtools.contracts.check import Tree, differences
from devtools.contracts.document_shapes import Schema
from devtools.workspace.errors import DevError
from shared.models.health import Health
from shared.testing.contracts.files import Finding
from shared.testing.yaml_source import load

SECONDS = 5
GATEWAY_PORT = 8000
STACK = "the stack"
LOCAL = {"127.0.0.1", "localhost", "::1"}


class NotThere(DevError):
    """Nothing answers at an address."""


def broken(tree: Tree, url: str) -> Iterator[Finding]:
    """What the stack behind `url` says otherwise.

    A gateway shows back-api's `/health` alone; on this machine each service that runs is asked as
    well. DevError when the stack itself can't be read.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        raise DevError(f"--url takes an address like http://127.0.0.1:8000, not {url}")
    asked = {STACK: url.rstrip("/")}
    if urlsplit(url).hostname in LOCAL:
        asked |= _services_here(tree, (urlsplit(url).port or 80) - GATEWAY_PORT)
    for name, base in asked.items():
        try:
            health = _health(base)
        except NotThere:
            if name == STACK:
                raise
            continue
        yield from _versions(tree, f"{base}/health", health)
        document = _answer(f"{base}/openapi.json", missing=True)
        if document is not None and health.service in tree.services:
            yield from differences(tree, health.service, document, f"{base}/openapi.json")
        elif name != STACK:
            yield Finding(f"{base}/health", None, f"{name} shows no /openapi.json")


def _services_here(tree: Tree, offset: int) -> dict[str, str]:
    """The addresses of services beside a gateway on this machine."""
    composed = load((tree.root / "docker-compose.yml").read_text())["services"]
    found: dict[str, str] = {}
    for service in tree.services:
        for published in composed.get(service, {}).get("ports", [])[:1]:
            host, port, _ = published.split(":")
            found[service] = f"http://{host}:{int(port) + offset}"
    return found


def _health(base: str) -> Health:
    answer = _answer(f"{base}/health")
    try:
        return Health.model_validate(answer)
    except ValidationError:
        raise DevError(f"{base}/health does not answer as /health does; is it our stack?") from None


def _versions(tree: Tree, place: str, health: Health) -> Iterator[Finding]:
    here = {name: file.contract.version for name, file in tree.contracts.items()}
    for name in dict.fromkeys([*here, *health.contracts]):
        mine, theirs = here.get(name, "none"), health.contracts.get(name, "none")
        if mine != theirs:
            what = f"{health.service} runs on {name} {theirs}; this checkout has {mine}"
            yield Finding(place, None, what)
    digest = generated_files.digest(tree.contracts)
    if health.contracts == here and health.contracts_digest != digest:
        what = f"{health.service} runs on other contracts of the same versions"
        mend = "restart it from this checkout, or raise the version of what changed"
        yield Finding(place, None, f"{what}: {mend}")
    own = tree.services.get(health.service)
    if own and own != health.version:
        what = f"{health.service} {health.version} runs; this checkout has {own}"
        yield Finding(place, None, what)


def _answer(url: str, *, missing: bool = False) -> Schema | None:
    """The JSON that `url` answers; None for 404 where that may be."""
    try:
        with urlopen(url, timeout=SECONDS) as response:  # noqa: S310 - an address of our own
            answer: Schema = json.loads(response.read())
            return answer
    except HTTPError as error:
        if missing and error.code == 404:
            return None
        raise DevError(f"{url} answers {error.code}") from None
    except (URLError, TimeoutError) as error:
        raise NotThere(f"{url} can't be read: {error}") from None
    except ValueError:
        raise DevError(f"{url} answers no JSON; is it our stack?") from None
