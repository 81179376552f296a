"""A service folder copied by hand, with the lines changed that its CONTEXT.md names."""

import sys
from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from tests.scaffold.clone import Clone

pytestmark = pytest.mark.timeout(600)  # environments are made, and other tests run inside


def test_a_copy_of_back_api_is_a_service_of_its_own(clone: Clone, uv: str) -> None:
    copy(clone, "back-api", "back-reports", port=8120)
    for contract in sorted((clone.root / "shared" / "contracts").glob("*/feature.yaml")):
        share(contract, "back-api", "back-reports")
    assert clone.run(uv, "lock", "--quiet").returncode == 0
    clone.dev("contracts", "sync")

    clone.dev("check", "back-reports")
    clone.dev("test", "back-reports")


def copy(clone: Clone, origin: str, name: str, *, port: int) -> None:
    """The lines of "Copy it", in their order."""
    root = clone.root
    assert clone.run("cp", "-r", origin, name).returncode == 0
    clone.run("rm", "-r", f"{name}/tests/pacts", f"{name}/tests/test_pacts.py")
    for path in (root / name).rglob("*"):
        if path.suffix in {".py", ".toml", ".md"}:
            path.write_text(path.read_text().replace(origin, name))
    for path in (root / name).glob("features/*/feature.yaml"):
        path.unlink()
    assert clone.run(sys.executable, "-m", "ruff", "format", "--quiet", name).returncode == 0
    replace(root / name / "settings.py", "port: int = 8100", f"port: int = {port}")
    for path in (root / "pyproject.toml", root / "ruff.toml"):
        replace(path, f'    "{origin}",\n', f'    "{origin}",\n    "{name}",\n')


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, f"{path.name} has no {old!r}"
    path.write_text(text.replace(old, new, 1))


def share(path: Path, origin: str, name: str) -> None:
    """The contract with `name` beside `origin`: it takes part, offers and calls the same."""
    contract = yaml.safe_load(path.read_text())
    if origin not in {it["name"] for it in contract["services"]}:
        return
    own = [{**it, "name": name} for it in contract["services"] if it["name"] == origin]
    contract["services"] += own
    if origin in contract["dependencies"]:
        contract["dependencies"][name] = deepcopy(contract["dependencies"][origin])
    offered = [it for it in contract.get("endpoints", []) if it["service"] == origin]
    for endpoint in contract.get("endpoints", []):
        if origin in endpoint.get("callers", []):
            endpoint["callers"].append(name)
    contract["endpoints"] = [
        *contract.get("endpoints", []),
        *({**deepcopy(it), "service": name} for it in offered),
    ]
    path.write_text(yaml.safe_dump(contract, sort_keys=False, allow_unicode=True))
