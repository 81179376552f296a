"""The OpenAPI document of all that people call, for the fronts' types and for the page /docs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from devtools.contracts import stub_routes
from devtools.contracts.asyncapi_document import Document
from devtools.contracts.json_text import json_text
from shared.testing.contracts.files import ContractFile

DOCS = Path("shared/kit/public_api.json")
_NOT_ROUTED = ("/health/live", "/health/ready")
_DESCRIPTION = (
    "Everything that a browser or a program may call, through the gateway. Errors are "
    "`application/problem+json`. Lists answer `items` and `next`; send `next` as `before` for the "
    "page that follows. Log in above, or try `POST /auth/login`, and every further request "
    "carries your access token."
)


def document_for_types(files: Mapping[str, ContractFile]) -> str:
    """The document with the payloads of live events as `LiveEvents`.

    Its version is always the same, because types.ts has none.
    """
    document = _document(files)
    events = Document(files.values())
    live = {kind: events.reference(payload) for kind, payload in sorted(events.live.items())}
    payloads = {
        "type": "object",
        "description": "Payloads of live events by `event_type`.",
        "properties": live,
        "required": list(live),
    }
    components = document["components"]
    schemas = {**events.schemas, **components["schemas"], "LiveEvents": payloads}
    return json.dumps({**document, "components": {**components, "schemas": schemas}})


def document_for_docs(files: Mapping[str, ContractFile], version: str) -> str:
    """The text of `shared/kit/public_api.json`: what the gateway routes, a tag for a contract."""
    document = _document(files)
    paths = {path: it for path, it in document["paths"].items() if path not in _NOT_ROUTED}
    used = {tag for methods in paths.values() for it in methods.values() for tag in it["tags"]}
    tags = [
        {"name": name, "description": file.contract.summary}
        for name, file in sorted(files.items())
        if name in used
    ]
    info = {**document["info"], "version": version, "description": _DESCRIPTION}
    made = {**document, "info": info, "tags": tags, "paths": paths}
    return json_text(made)


def _document(files: Mapping[str, ContractFile]) -> dict[str, Any]:
    return stub_routes.public_api([file.contract for file in files.values()]).openapi()
