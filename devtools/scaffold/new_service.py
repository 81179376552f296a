"""./dev new service and ./dev service remove."""

import re
from pathlib import Path

import yaml

from devtools.scaffold import service as service_
from devtools.scaffold import tools
from devtools.scaffold.names import service_name
from devtools.scaffold.plan import refuse_edited
from devtools.scaffold.service import NewService
from devtools.workspace.errors import DevError


def create(root: Path, name: str, port: int | None, public: str | None) -> list[str]:
    """Write the service and everything that follows from it; the paths, in reading order."""
    plan = service_.plan(service_.asked_for(root, name, port, public))
    plan.apply(root)
    tools.lock()
    tools.sync_contracts()
    return [*(str(path) for path in plan.paths), "uv.lock"]


def remove(root: Path, name: str) -> list[str]:
    """Take away what `create` wrote; DevError, with nothing changed, where it was edited."""
    plan = service_.plan(_present(root, name))
    refuse_edited(plan.edited(root))
    plan.undo(root)
    tools.lock()
    tools.sync_contracts()
    return [*(str(path) for path in plan.paths), "uv.lock"]


def _present(root: Path, name: str) -> NewService:
    service_name(name)
    settings = root / name / "settings.py"
    contract = root / "shared" / "contracts" / name.removeprefix("back-") / "feature.yaml"
    for path in (settings, contract):
        if not path.exists():
            raise DevError(
                f"{name} was not written by ./dev new service (there is no "
                f"{path.relative_to(root)}): remove it by hand"
            )
    port = re.search(r"^    port: int = (\d+)$", settings.read_text(), re.MULTILINE)
    first = yaml.safe_load(contract.read_text())["endpoints"][0]["path"]
    return NewService(name, int(port[1]) if port else 0, first.removesuffix("/contracts"))
