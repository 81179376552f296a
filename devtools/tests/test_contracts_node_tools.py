import sys
from pathlib import Path

import pytest

from devtools.contracts import node_tools
from devtools.engines.node_packages import NodePackages
from devtools.workspace.errors import DevError


async def test_a_tool_that_does_not_end_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_tools, "FOLDER", tmp_path)
    monkeypatch.setattr(node_tools, "SECONDS", 0.1)
    script = tmp_path / "cli.js"
    script.write_text("import signal; signal.pause()")
    packages = NodePackages(Path(sys.executable), tmp_path)

    with pytest.raises(DevError, match=r"^cli\.js took longer than 0\.1 s: try again$"):
        await node_tools._run(packages, script)
