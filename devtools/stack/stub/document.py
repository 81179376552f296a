"""The OpenAPI document of a service as Prism gets it."""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from devtools.workspace.errors import DevError
from devtools.workspace.repository import ROOT

PROBLEM = "application/problem+json"

Document = dict[str, Any]


def documents(root: Path) -> Path:
    """The folder of the documents that `./dev contracts sync` writes."""
    return root / "shared" / "contracts" / "generated" / "openapi"


def read(root: Path, service: str) -> Document:
    """The document of `service`; DevError names those that there are."""
    path = documents(root) / f"{service}.json"
    if not path.exists():
        known = ", ".join(sorted(it.stem for it in documents(root).glob("*.json")))
        raise DevError(f"no contract documents {service!r}; there are: {known or 'none'}")
    document: Document = json.loads(path.read_text())
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
    for path, operation in _operations(copy):
        responses = operation["responses"]
        for status, response in responses.items():
            told = shared.get(str(response.get("$ref")).rpartition("/")[2], response)
            if error := told.get("content", {}).get(PROBLEM):
                bodies = [it["value"] | {"instance": path} for it in error["examples"].values()]
                schema = {"enum": bodies}
                responses[status] = {**told, "content": {PROBLEM: {"schema": schema}}}
    return copy


def prepare(service: str, folder: Path, root: Path = ROOT) -> Path:
    """Write what Prism serves for `service` into `folder`; DevError where it has no document."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{service}.json"
    path.write_text(json.dumps(served(read(root, service))))
    return path


def _schemas(part: object) -> Iterator[Document]:
    if isinstance(part, dict):
        yield part
        for value in part.values():
            yield from _schemas(value)
    elif isinstance(part, list):
        for value in part:
            yield from _schemas(value)


def _operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            if "responses" in operation:
                yield path, operation
