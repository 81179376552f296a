"""What well-kept npm packages know of documents: lint, the AsyncAPI parser, TypeScript.

They write `types.ts`: what the public API takes and answers, for the fronts.
"""

import hashlib
import os
from pathlib import Path

from devtools.contracts import generated_files
from devtools.contracts.revisions import ASYNCAPI
from devtools.engines import node_packages
from devtools.engines.node_packages import NodePackages
from devtools.workspace.errors import DevError
from devtools.workspace.processes import all_of, output_of
from devtools.workspace.repository import RUN
from shared.testing.contracts.files import GENERATED, Finding

LOCKED = Path(__file__).parent / "node"
FOLDER = RUN / "contract-tools"
SECONDS = 120
LINT = (
    "--extends=recommended",
    "--format=stylish",
    # It compares paths of different methods: POST /exports/{id}/link and GET /exports/download/{t}.
    "--skip-rule=no-ambiguous-paths",
)
_QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}

TYPES = GENERATED / "types.ts"


async def complaints(root: Path, public_api: str) -> list[Finding]:
    """What is wrong with the generated files below `root`, by tools that know their formats.

    `public_api` is the document that `types.ts` is made from. What passed once isn't looked at
    again until a document or a tool changes. Raises DevError where npm can't bring the tools.
    """
    packages = await node_packages.installed(LOCKED, FOLDER)
    openapi = sorted((root / GENERATED / "openapi").glob("*.json"))
    read = [LOCKED / "package-lock.json", root / ASYNCAPI, root / TYPES, *openapi]
    texts = [public_api.encode(), *(path.read_bytes() for path in read if path.exists())]
    digest = hashlib.sha256(b"".join(texts)).hexdigest()
    passed = FOLDER / ".passed"
    if passed.exists() and passed.read_text() == digest:
        return []
    redocly = packages.folder / "@redocly/cli/bin/cli.js"
    tsc = packages.folder / "typescript/bin/tsc"
    outputs = await all_of(
        _run(packages, redocly, "lint", *LINT, *openapi),
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
    current = (root / TYPES).read_text() if (root / TYPES).exists() else ""
    if current != await types_of(public_api):
        found.append(Finding(TYPES, None, generated_files.STALE))
    if not found:
        passed.write_text(digest)
    return found


async def types_of(document: str) -> str:
    """The text of `types.ts`; DevError where openapi-typescript refuses the document."""
    packages = await node_packages.installed(LOCKED, FOLDER)
    source, made = FOLDER / "public.json", FOLDER / "public.ts"
    if not made.exists() or source.read_text() != document:
        made.unlink(missing_ok=True)
        source.write_text(document)
        script = packages.folder / "openapi-typescript/bin/cli.js"
        code, said = await _run(packages, script, source, "--alphabetize", "--output", made)
        if code:
            raise DevError(f"openapi-typescript refuses the public API: {said}")
    return made.read_text()


async def _run(packages: NodePackages, script: Path, *arguments: str | Path) -> tuple[int, str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(FOLDER), **_QUIET}
    environment["NODE_PATH"] = str(packages.folder)
    argv = [packages.node, script, *arguments]
    try:
        return await output_of(argv, cwd=FOLDER, env=environment, timeout=SECONDS)
    except TimeoutError:
        raise DevError(f"{script.name} took longer than {SECONDS} s: try again") from None
