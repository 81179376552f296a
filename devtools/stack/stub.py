"""`./dev stub`: Prism serves the OpenAPI document of a service that need not exist."""

import asyncio
import json
import os
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Annotated, Any

import typer

from devtools.engines import node_packages
from devtools.stack import preflight
from devtools.workspace.errors import DevError
from devtools.workspace.repository import COMPOSE_FILE, ROOT, RUN
from shared.testing.yaml_source import load

PROBLEM = "application/problem+json"
DOCUMENTS = ROOT / "shared" / "contracts" / "generated" / "openapi"
LOCKED = Path(__file__).with_name("prism")

Document = dict[str, Any]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


async def installed() -> node_packages.NodePackages:
    """Prism by its lock; DevError where npm can't bring it."""
    return await node_packages.installed(LOCKED, RUN / "prism")


async def command(service: str, folder: Path, port: int) -> list[str]:
    """What serves `service` on 127.0.0.1, answers made up by the schemas of its document."""
    document = prepare(service, folder)
    npm = await installed()
    script = npm.folder / "@stoplight/prism-cli/dist/index.js"
    where = ["--host", "127.0.0.1", "--port", str(port)]
    how = ["--dynamic", "--errors", "--multiprocess", "false", "--verboseLevel", "error"]
    return [str(npm.node), str(script), "mock", str(document), *where, *how]


def prepare(service: str, folder: Path) -> Path:
    """Write the document that Prism serves into `folder`; DevError names those that there are."""
    source = DOCUMENTS / f"{service}.json"
    if not source.exists():
        known = ", ".join(sorted(it.stem for it in DOCUMENTS.glob("*.json")))
        raise DevError(f"no contract documents {service!r}; there are: {known or 'none'}")
    folder.mkdir(parents=True, exist_ok=True)
    document = folder / source.name
    document.write_text(json.dumps(served(json.loads(source.read_text()))))
    return document


def served(document: Document) -> Document:
    """A copy whose errors are those of its examples, and whose addresses look like addresses.

    Left alone, Prism makes an error up of any words and numbers, its own status included.
    """
    copy = deepcopy(document)
    for schema in _schemas(copy):
        if schema.get("format") == "email" or "@" in str(schema.get("pattern")):
            schema["x-faker"] = "internet.email"
    shared = copy["components"].get("responses", {})
    for path, methods in copy["paths"].items():
        for operation in methods.values():
            responses = operation.get("responses", {}) if isinstance(operation, dict) else {}
            for status, response in responses.items():
                named = shared.get(str(response.get("$ref")).rpartition("/")[2], response)
                if error := named.get("content", {}).get(PROBLEM):
                    examples = error["examples"].values()
                    schema = {"enum": [it["value"] | {"instance": path} for it in examples]}
                    responses[status] = {**named, "content": {PROBLEM: {"schema": schema}}}
    return copy


def _schemas(part: object) -> Iterator[Document]:
    if isinstance(part, dict):
        yield part
    inside = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    for value in inside:
        yield from _schemas(value)


@app.command()
def stub(
    service: Annotated[str, typer.Argument(help="A service that contracts document.")],
    *,
    port: Annotated[int, typer.Option(help="0 means the service's own port.")] = 0,
) -> None:
    """Serve a service's OpenAPI document.

    Answers are made up, errors are those of the contracts. A request header `Prefer: code=404`
    asks for an error. Ctrl-C ends it.
    """
    port = port or _own_port(service)
    if not preflight.is_free(port):
        raise DevError(f"port {port} is taken by {preflight.holder(port)}: choose one with --port")
    argv = asyncio.run(command(service, RUN / "stubs", port))
    typer.echo(f"{service} is stubbed at http://127.0.0.1:{port}", err=True)
    os.execv(argv[0], argv)  # noqa: S606 - becoming the program is the point


def _own_port(service: str) -> int:
    services = load(COMPOSE_FILE.read_text())["services"]
    for published in services.get(service, {}).get("ports", []):
        return int(published.split(":")[-2])
    raise DevError(f"{service} has no port in {COMPOSE_FILE.name}: choose one with --port")
