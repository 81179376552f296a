"""What a generated feature was asked to be, read back from what stands in the repository."""

import ast
import re
from collections.abc import Mapping
from pathlib import Path

import yaml

from devtools.scaffold.feature import VERSIONS, Feature
from devtools.scaffold.fields import Field
from devtools.scaffold.names import FeatureNames, Noun
from devtools.workspace.errors import DevError

_SIGNS = {
    "INTEGER_MAX": "integer",
    "Line": "line",
    "Text": "text",
    "bool": "boolean",
    "Instant": "instant",
    "UUID": "uuid",
}


def read(root: Path, name: str) -> Feature:
    """The feature as `./dev new feature` was asked for it; DevError when it can't have been."""
    contract = _contract(root, name)
    names = _names(name, contract)
    step = next((root / VERSIONS).glob(f"[0-9]*_{names.items.snake}.up.sql"), None)
    if step is None:
        raise _by_hand(name, f"{VERSIONS} has no step called {names.items.snake}")
    before = sorted(
        path.name[:4] for path in (root / VERSIONS).glob("[0-9]*.up.sql") if path.name < step.name
    )
    consumers = contract["events"][0]["consumers"] if contract.get("events") else []
    return Feature(
        names=names,
        fields=_fields(root, names),
        consumers=consumers,
        revision=step.name[:4],
        after=before[-1] if before else "",
    )


def _contract(root: Path, name: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - YAML, read above
    path = root / "shared" / "contracts" / name / "feature.yaml"
    if not path.exists():
        raise DevError(f"there is no feature {name}: {path.relative_to(root)} is missing")
    return yaml.safe_load(path.read_text())


def _names(name: str, contract: Mapping[str, list[Mapping[str, str]]]) -> FeatureNames:
    for endpoint in contract.get("endpoints", []):
        match = re.fullmatch(r"/users/{user_id}/([a-z-]+)/{([a-z_]+)_id}", endpoint["path"])
        if match:
            return FeatureNames(Noun(name), Noun(match[2].replace("_", "-")), Noun(match[1]))
    raise _by_hand(name, "its contract has no endpoint of a generated form")


def _fields(root: Path, names: FeatureNames) -> tuple[Field, ...]:
    path = Path("shared", "models", f"{names.feature.snake}.py")
    if not (root / path).exists():
        raise _by_hand(names.feature.kebab, f"there is no {path}")
    tree = ast.parse((root / path).read_text())
    aliases = {
        node.targets[0].id: ast.unparse(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == f"{names.item.pascal}Fields":
            return tuple(
                Field(it.target.id, _type(it.annotation, aliases, path), names.item)
                for it in node.body
                if isinstance(it, ast.AnnAssign) and isinstance(it.target, ast.Name)
            )
    raise _by_hand(names.feature.kebab, f"{path} has no {names.item.pascal}Fields")


def _type(annotation: ast.expr, aliases: Mapping[str, str], path: Path) -> str:
    written = ast.unparse(annotation)
    words = re.findall(r"\w+", aliases.get(written, written))
    for sign, type_ in _SIGNS.items():
        if sign in words:
            return type_
    raise DevError(f"nothing was removed, as {path} was edited since: {written}")


def _by_hand(name: str, why: str) -> DevError:
    return DevError(f"{name} was not written by ./dev new feature ({why}): remove it by hand")
