"""What well-kept npm packages know of documents: lint, the AsyncAPI parser, TypeScript.

They write `types.ts`: what the public API takes and answers, for the fronts. So that anybody can
tell without Node whether it is current, its first line holds the SHA-256 of the document that it
was made from and of its own text.
"""

import asyncio
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from devtools.contracts import stub_routes
from devtools.contracts.asyncapi_document import Document
from devtools.contracts.revisions import ASYNCAPI
from devtools.engines import node_packages
from devtools.engines.node_packages import NodePackages
from devtools.workspace.errors import DevError
from devtools.workspace.processes import output_of
from devtools.workspace.repository import RUN
from shared.testing.contracts.files import GENERATED, ContractFile, Finding

LOCKED = Path(__file__).parent / "node"
FOLDER = RUN / "contract-tools"
SECONDS = 120
_QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}

TYPES = GENERATED / "types.ts"
HEADER = "// Written by ./dev contracts sync from the public API. SHA-256 of both: "


async def complaints(root: Path) -> list[Finding]:
    """What is wrong with the generated files below `root`, by tools that know their formats.

    What passed once isn't looked at again until a document or a tool changes. Raises DevError
    where npm can't bring the tools.
    """
    packages = await node_packages.installed(LOCKED, FOLDER)
    openapi = sorted((root / GENERATED / "openapi").glob("*.json"))
    read = [LOCKED / "package-lock.json", root / ASYNCAPI, root / TYPES, *openapi]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in read)).hexdigest()
    passed = FOLDER / ".passed"
    if passed.exists() and passed.read_text() == digest:
        return []
    redocly = packages.folder / "@redocly/cli/bin/cli.js"
    tsc = packages.folder / "typescript/bin/tsc"
    outputs = await asyncio.gather(
        _run(packages, redocly, "lint", "--extends=recommended", "--format=stylish", *openapi),
        _run(packages, LOCKED / "parse_asyncapi.cjs", root / ASYNCAPI),
        _run(packages, tsc, "--noEmit", "--strict", root / TYPES),
    )
    found = [
        Finding(path, None, output)
        for path, (code, output) in zip(
            (GENERATED / "openapi", ASYNCAPI, TYPES), outputs, strict=True
        )
        if code or " warning " in output
    ]
    if not found:
        passed.write_text(digest)
    return found


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


async def types_of(document: str) -> str:
    """The text of `types.ts`; DevError where openapi-typescript refuses the document."""
    packages = await node_packages.installed(LOCKED, FOLDER)
    source = FOLDER / "public.json"
    source.write_text(document)
    script = packages.folder / "openapi-typescript/bin/cli.js"
    code, output = await _run(packages, script, source, "--alphabetize")
    if code:
        raise DevError(f"openapi-typescript refuses the public API: {output}")
    return signed(document, f"{output}\n")


def signed(document: str, body: str) -> str:
    """The whole text of `types.ts` for the types `body` that were made from `document`."""
    return f"{HEADER}{hashlib.sha256((document + body).encode()).hexdigest()}\n{body}"


def is_current(root: Path, document: str) -> bool:
    """Whether `types.ts` was written from `document` and not touched since."""
    text = (root / TYPES).read_text() if (root / TYPES).exists() else ""
    return text == signed(document, text.partition("\n")[2])


async def _run(packages: NodePackages, script: Path, *arguments: str | Path) -> tuple[int, str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(FOLDER), **_QUIET}
    environment["NODE_PATH"] = str(packages.folder)
    argv = [packages.node, script, *arguments]
    return await output_of(argv, cwd=FOLDER, env=environment, timeout=SECONDS)
