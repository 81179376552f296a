"""The OpenAPI document of a service as Prism gets it."""

import json
from collections.abc import Iterator
from copy import deepcopy
from http import HTTPStatus
from pathlib import Path
from typing import Any

from devtools.workspace.errors import DevError

PROBLEM = "application/problem+json"
CODES = {
    400: "invalid_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    413: "payload_too_large",
    422: "validation_failed",
    429: "too_many_requests",
    503: "unavailable",
    504: "timed_out",
}
"""The kit's own code for each status that a service refuses with."""

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
    for path, operation in _operations(copy):
        responses = operation["responses"]
        for status, code in CODES.items():
            told = responses.get(str(status), responses.get("default", {}))
            if error := told.get("content", {}).get(PROBLEM):
                responses[str(status)] = _error(status, path, code, error.get("examples", {}))
    return copy


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


def _error(status: int, path: str, code: str, examples: Document) -> Document:
    title = HTTPStatus(status).phrase
    bodies = [example["value"] for example in examples.values()]
    bodies = bodies or [
        {
            "type": f"urn:tools-dashboard:problem:{code}",
            "title": title,
            "status": status,
            "detail": f"{title}, says the stub.",
            "instance": path,
            "code": code,
            "correlation_id": "0" * 32,
        }
    ]
    return {"description": title, "content": {PROBLEM: {"schema": {"enum": bodies}}}}
