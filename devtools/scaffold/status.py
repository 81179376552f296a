"""How far a feature is, layer by layer, from what stands in the repository."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from devtools.workspace.errors import DevError

_ARGUMENT = re.compile(r"\{[^}]*\}")
_TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+([a-z_]+)")
FRONTS = ("front-public", "front-admin")
HEADER = "| layer | state | where |\n|---|---|---|\n"


@dataclass(frozen=True)
class Layer:
    """One row. `state` is done, part or missing."""

    name: str
    state: str
    where: str


@dataclass(frozen=True)
class _Endpoint:
    service: str
    method: str
    path: str


def layers(root: Path, feature: str) -> list[Layer]:
    """The layers of `feature`; DevError when it has no contract."""
    return list(_Feature(root, feature).layers())


def table(rows: list[Layer]) -> str:
    """The rows as Markdown."""
    return HEADER + "".join(f"| {row.name} | {row.state} | {row.where} |\n" for row in rows)


class _Feature:
    def __init__(self, root: Path, feature: str) -> None:
        self._root = root
        self._path = Path("shared", "contracts", feature, "feature.yaml")
        if not (root / self._path).exists():
            there = sorted(
                path.parent.name for path in root.glob("shared/contracts/*/feature.yaml")
            )
            raise DevError(f"no feature {feature}: there are {', '.join(there)}")
        self._package = feature.replace("-", "_")
        self._text = (root / self._path).read_text()
        contract = yaml.safe_load(self._text)
        self._version = contract["version"]
        self._services = [it["name"] for it in contract["services"]]
        self._endpoints = [
            _Endpoint(it["service"], it["method"], it["path"])
            for it in contract.get("endpoints", [])
        ]

    def layers(self) -> Iterator[Layer]:
        yield Layer("contract", "done", f"`{self._path}` {self._version}")
        yield self._models()
        if "back-postgres" in self._services:
            yield from self._persistence()
        for service in self._services:
            if service in FRONTS:
                yield self._front(service)
            else:
                yield from self._service(service)

    def _models(self) -> Layer:
        names = sorted(set(re.findall(r"\b([a-z_]+)\.([A-Z]\w*)", self._text)))
        missing = [f"`{module}.{name}`" for module, name in names if not self._has(module, name)]
        modules = sorted({module for module, _ in names})
        where = ", ".join(f"`shared/models/{module}.py`" for module in modules)
        return _layer("models", len(names), missing, where)

    def _has(self, module: str, name: str) -> bool:
        path = self._root / "shared" / "models" / f"{module}.py"
        return path.exists() and bool(
            re.search(rf"^(class )?{name}\b", path.read_text(), re.MULTILINE)
        )

    def _persistence(self) -> Iterator[Layer]:
        folder = self._root / "back-postgres"
        modules = "|".join({it for it, _ in re.findall(r"\b([a-z_]+)\.([A-Z]\w*)", self._text)})
        imports = re.compile(rf"^from shared\.models\.({modules}) import", re.MULTILINE)
        routes = [path for path in folder.glob("routes/*.py") if self._answers(path)]
        used = "".join(path.read_text() for path in routes)
        repositories = [
            path
            for path in sorted(folder.glob("repositories/*_repository.py"))
            if imports.search(path.read_text()) and f"repositories.{path.stem} " in used
        ]
        tables = {name for path in repositories for name in _TABLE.findall(path.read_text())}
        steps = [
            path
            for path in sorted(folder.glob("migrations/versions/*.up.sql"))
            if tables & set(re.findall(r"CREATE TABLE (\w+)", path.read_text()))
        ]
        yield self._found("migration", steps)
        yield self._found("repository", repositories)

    def _service(self, service: str) -> Iterator[Layer]:
        folder = self._root / service
        slice_ = folder / "features" / self._package / "feature.yaml"
        yield self._found(f"{service}: slice", [slice_] if slice_.exists() else [])
        agreed = [it for it in self._endpoints if it.service == service]
        if not agreed:
            return
        files = [path for path in _sources(folder) if self._answers(path)]
        answered = {it for path in files for it in _answered(path)}
        missing = [
            f"`{it.method} {it.path}`"
            for it in agreed
            if (it.method, _ARGUMENT.sub("{}", it.path)) not in answered
        ]
        yield _layer(f"{service}: endpoints", len(agreed), missing, self._listed(files))
        paths = {_ARGUMENT.split(it.path)[0].rstrip("/") for it in agreed}
        paths |= {it.path.rsplit("}", 1)[-1] for it in agreed}
        tests = [
            path
            for path in sorted((folder / "tests").glob("**/test_*.py"))
            if any(len(it) > 1 and it in path.read_text() for it in paths)
        ]
        named = [it for it in tests if self._package in it.stem]
        yield self._found(f"{service}: tests", named or tests)

    def _front(self, front: str) -> Layer:
        folder = self._root / front / "app" / "features" / self._package
        return self._found(front, [folder] if folder.exists() else [])

    def _answers(self, path: Path) -> bool:
        wanted = {(it.method, _ARGUMENT.sub("{}", it.path)) for it in self._endpoints}
        return bool(wanted & _answered(path))

    def _found(self, name: str, paths: list[Path]) -> Layer:
        return Layer(name, "done" if paths else "missing", self._listed(paths))

    def _listed(self, paths: list[Path]) -> str:
        return ", ".join(f"`{path.relative_to(self._root)}`" for path in paths)


def _layer(name: str, count: int, missing: list[str], where: str) -> Layer:
    if not missing:
        return Layer(name, "done", where)
    state = "missing" if len(missing) == count else "part"
    return Layer(name, state, f"{count - len(missing)} of {count}; not yet {', '.join(missing)}")


def _sources(folder: Path) -> list[Path]:
    found = [*folder.glob("features/**/*.py"), *folder.glob("routes/*.py")]
    return sorted(path for path in found if path.name != "infrastructure.py")


def _answered(path: Path) -> set[tuple[str, str]]:
    """Method and path, without the names of parameters, of every route that a file declares."""
    tree = ast.parse(path.read_text())
    texts = {
        target.id: text
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and (text := _text(node.value, {})) is not None
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    prefix = next(
        (
            text
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and _name(node.func) == "APIRouter"
            for keyword in node.keywords
            if keyword.arg == "prefix" and (text := _text(keyword.value, texts))
        ),
        "",
    )
    return {
        (node.func.attr.upper(), _ARGUMENT.sub("{}", prefix + text))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"get", "post", "put", "patch", "delete"}
        and node.args
        and (text := _text(node.args[0], texts)) is not None
    }


def _text(node: ast.expr, names: Mapping[str, str]) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return names.get(name)
        case ast.JoinedStr(values=parts):
            found = [_text(part, names) for part in parts]
            return "".join(part if part is not None else "{}" for part in found)
        case ast.FormattedValue(value=value):
            return _text(value, names)
    return None


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""
