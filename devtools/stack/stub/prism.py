"""The command that serves an OpenAPI document by Prism."""

from dataclasses import dataclass
from pathlib import Path

from devtools.engines import node_packages
from devtools.workspace.repository import RUN

LOCKED = Path(__file__).parent


@dataclass(frozen=True)
class Prism:
    """An installed Prism; `node` runs its `script`."""

    node: Path
    script: Path

    def serves(self, document: Path, port: int) -> list[str]:
        """The command that serves `document` on 127.0.0.1, answers made up by its schemas."""
        where = ["--host", "127.0.0.1", "--port", str(port)]
        how = ["--dynamic", "--errors", "--multiprocess", "false", "--verboseLevel", "error"]
        return [str(self.node), str(self.script), "mock", str(document), *where, *how]


async def installed(folder: Path = RUN / "prism") -> Prism:
    """Prism by its lock; DevError where npm can't bring it."""
    packages = await node_packages.installed(LOCKED, folder)
    return Prism(packages.node, packages.folder / "@stoplight/prism-cli/dist/index.js")
