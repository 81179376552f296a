"""What well-kept npm packages know of documents: lint, the AsyncAPI parser, TypeScript."""

import asyncio
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from devtools.contracts.revisions import ASYNCAPI
from devtools.engines import node_packages
from devtools.workspace.errors import DevError
from devtools.workspace.processes import output_of
from devtools.workspace.repository import RUN
from shared.testing.contracts.files import GENERATED, Finding

LOCKED = Path(__file__).parent / "node"
FOLDER = RUN / "contract-tools"
SECONDS = 120
_QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}


@dataclass(frozen=True)
class NodeTools:
    """The programs of `node/package.json`."""

    node: Path
    modules: Path

    @classmethod
    async def installed(cls) -> "NodeTools":
        """By their lock; DevError where npm can't bring them."""
        packages = await node_packages.installed(LOCKED, FOLDER)
        return cls(packages.node, packages.folder)

    async def typescript_of(self, document: str) -> str:
        """The types of an OpenAPI document; DevError where it is refused."""
        source = FOLDER / "public.json"
        source.write_text(document)
        script = self.modules / "openapi-typescript/bin/cli.js"
        code, output = await self._run(script, source, "--alphabetize")
        if code:
            raise DevError(f"openapi-typescript refuses the public API: {output}")
        return f"{output}\n"

    async def complaints(self, root: Path) -> list[Finding]:
        """What is wrong with the generated files below `root`, by tools that know their formats.

        What passed once isn't looked at again until a document or a tool changes.
        """
        openapi = sorted((root / GENERATED / "openapi").glob("*.json"))
        types = root / GENERATED / "types.ts"
        read = [LOCKED / "package-lock.json", root / ASYNCAPI, types, *openapi]
        digest = hashlib.sha256(b"".join(path.read_bytes() for path in read)).hexdigest()
        passed = FOLDER / ".passed"
        if passed.exists() and passed.read_text() == digest:
            return []
        redocly, tsc = self.modules / "@redocly/cli/bin/cli.js", self.modules / "typescript/bin/tsc"
        parse = "parse_asyncapi.cjs"
        (FOLDER / parse).write_text((LOCKED / parse).read_text())
        lint = ("lint", "--extends=recommended", "--format=stylish")
        outputs = await asyncio.gather(
            self._run(redocly, *lint, *openapi),
            self._run(FOLDER / parse, root / ASYNCAPI),
            self._run(tsc, "--noEmit", "--strict", types),
        )
        found = [
            Finding(path, None, output)
            for path, (code, output) in zip(
                (GENERATED / "openapi", ASYNCAPI, GENERATED / "types.ts"), outputs, strict=True
            )
            if code or " warning " in output
        ]
        if not found:
            passed.write_text(digest)
        return found

    async def _run(self, script: Path, *arguments: str | Path) -> tuple[int, str]:
        environment = {"PATH": os.environ["PATH"], "HOME": str(FOLDER), **_QUIET}
        argv = [self.node, script, *arguments]
        return await output_of(argv, cwd=FOLDER, env=environment, timeout=SECONDS)
