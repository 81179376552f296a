"""How far a feature is, layer by layer, from what stands in the repository."""

import re
from pathlib import Path

import yaml

from devtools.workspace.errors import DevError

HEADER = "| layer | state | where |\n|---|---|---|\n"
FRONTS = ("front-public", "front-admin")


def layers(root: Path, feature: str) -> dict[str, tuple[str, str]]:
    """State (done, part or missing) and place by layer; DevError when it has no contract."""
    path = root / "shared" / "contracts" / feature / "feature.yaml"
    if not path.exists():
        known = sorted(it.parent.name for it in root.glob("shared/contracts/*/feature.yaml"))
        raise DevError(f"no feature {feature}: there are {', '.join(known)}")
    text, package = path.read_text(), feature.replace("-", "_")
    contract = yaml.safe_load(text)
    models = sorted(set(re.findall(r"\b([a-z_]+)\.([A-Z]\w*)", text)))
    found = {
        "contract": ("done", f"`{path.relative_to(root)}` {contract['version']}"),
        "models": _counted({f"{it[0]}.{it[1]}": _is_model(root, *it) for it in models}),
    }
    for service in (it["name"] for it in contract["services"]):
        folder = root / service
        if service == "back-postgres":
            found |= _persistence(root, folder, {module for module, _ in models} - {"event"})
        inside = f"app/features/{feature}" if service in FRONTS else f"features/{package}"
        own = folder / inside
        found[f"{service}: folder"] = _exists(root, own)
        agreed = [it for it in contract.get("endpoints", []) if it["service"] == service]
        if agreed:
            sources = [
                it.read_text()
                for it in folder.glob("**/*.py")
                if "tests" not in it.relative_to(folder).parts
            ]
            wanted = {f"{it['method']} {it['path']}": _answers(sources, it) for it in agreed}
            found[f"{service}: endpoints"] = _counted(wanted)
            words = [_last_word(it["path"]) for it in agreed]
            tests = sorted((folder / "tests").glob("**/test_*.py"))
            tested = [it for it in tests if any(word in it.read_text() for word in words)]
            named = [it for it in tested if package in it.stem]
            found[f"{service}: tests"] = _exists(root, *(named or tested))
    return found


def _persistence(root: Path, folder: Path, modules: set[str]) -> dict[str, tuple[str, str]]:
    """The repositories that use the models of the feature, and the migrations of their tables."""
    used = re.compile(rf"^from shared\.models\.({'|'.join(modules)}) import", re.MULTILINE)
    own = [it for it in sorted(folder.glob("repositories/*.py")) if used.search(it.read_text())]
    texts = " ".join(path.read_text() for path in own)
    tables = re.compile(
        rf"CREATE TABLE ({'|'.join(re.findall(r'(?:FROM|INTO) ([a-z_]+)', texts))})\b"
    )
    steps = sorted(folder.glob("migrations/versions/*.up.sql"))
    steps = [it for it in steps if own and tables.search(it.read_text())]
    return {"migration": _exists(root, *steps), "repository": _exists(root, *own)}


def table(rows: dict[str, tuple[str, str]]) -> str:
    """The rows as Markdown."""
    return HEADER + "".join(f"| {name} | {' | '.join(row)} |\n" for name, row in rows.items())


def refresh(root: Path, feature: str) -> Path:
    """Fill the table in the feature's CONTEXT.md anew: its path. DevError where there is none."""
    page = root / "back-api" / "features" / feature.replace("-", "_") / "CONTEXT.md"
    if not page.exists() or HEADER not in page.read_text():
        raise DevError(f"{page.relative_to(root)} has no table of layers to fill")
    filled = re.sub(
        re.escape(HEADER) + r"(\|.*\n)*", lambda _: table(layers(root, feature)), page.read_text()
    )
    page.write_text(filled)
    return page.relative_to(root)


def _is_model(root: Path, module: str, name: str) -> bool:
    path = root / "shared" / "models" / f"{module}.py"
    return path.exists() and bool(re.search(rf"^(class )?{name}\b", path.read_text(), re.MULTILINE))


def _answers(sources: list[str], endpoint: dict[str, str]) -> bool:
    """Whether one file declares a route of this method and names the path's last fixed word."""
    method, word = endpoint["method"].lower(), _last_word(endpoint["path"])
    route = re.compile(rf"^ +(@?)\w+\.{method}\(", re.MULTILINE)
    return any(word in text and "APIRouter(" in text and route.search(text) for text in sources)


def _last_word(path: str) -> str:
    return [word for word in path.split("/") if word and not word.startswith("{")][-1]


def _counted(parts: dict[str, bool]) -> tuple[str, str]:
    missing = [f"`{name}`" for name, there in parts.items() if not there]
    if not missing:
        return "done", f"{len(parts)}"
    state = "missing" if len(missing) == len(parts) else "part"
    return state, f"{len(parts) - len(missing)} of {len(parts)}; not yet {', '.join(missing)}"


def _exists(root: Path, *paths: Path) -> tuple[str, str]:
    there = [f"`{path.relative_to(root)}`" for path in paths if path.exists()]
    return "done" if there else "missing", ", ".join(there)
