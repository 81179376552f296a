"""`types.ts`: what the public API takes and answers, for the fronts, by openapi-typescript.

Node writes it. So that anybody can tell without Node whether it is current, its first line holds
the SHA-256 of the document that it was made from and of its own text.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from devtools.contracts import stub_routes
from devtools.contracts.asyncapi_document import Document
from devtools.contracts.node_tools import NodeTools
from shared.testing.contracts.files import GENERATED, ContractFile

TYPES = GENERATED / "types.ts"
HEADER = "// Written by ./dev contracts sync from the public API. SHA-256 of both: "


def public_document(files: Mapping[str, ContractFile]) -> str:
    """The OpenAPI document of all that people call, with the payloads of live events.

    Its version is always the same, because types.ts has none.
    """
    contracts = [file.contract for file in files.values()]
    document = stub_routes.public_api(contracts).openapi()
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


def is_current(text: str, document: str) -> bool:
    """Whether `text` was written from `document` and not touched since."""
    header, _, body = text.partition("\n")
    return header == HEADER + _digest(document, body)


def signed(document: str, body: str) -> str:
    """The whole text of `types.ts` for the types `body` that were made from `document`."""
    return f"{HEADER}{_digest(document, body)}\n{body}"


async def render(document: str) -> str:
    """The text of `types.ts`; DevError where openapi-typescript refuses the document."""
    tools = await NodeTools.installed()
    return signed(document, await tools.typescript_of(document))


def read(root: Path) -> str:
    """What stands there now, empty where nothing does."""
    return (root / TYPES).read_text() if (root / TYPES).exists() else ""


def _digest(document: str, body: str) -> str:
    return hashlib.sha256((document + body).encode()).hexdigest()
