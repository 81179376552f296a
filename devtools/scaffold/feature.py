"""A feature that keeps things of a user: contract, models, table, endpoints, rules and tests."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devtools.scaffold.fields import INTEGER_MAX, Field
from devtools.scaffold.insertion import LINE_LENGTH, AfterLast, ImportedName, SortedLine, Word
from devtools.scaffold.names import FeatureNames
from devtools.scaffold.plan import Edit, Plan
from devtools.scaffold.rendering import render, wrapped
from devtools.scaffold.tools import formatted
from devtools.workspace.errors import DevError

PAGE_DEFAULT = 20
PAGE_MAX = 100
VERSIONS = Path("back-postgres") / "migrations" / "versions"

_ROUTER = r"^    (service\.api\.include_router\(.*\)|\))$"


@dataclass(frozen=True)
class Feature:
    """What is asked for. `revision` is the number of its migration, `after` the one before."""

    names: FeatureNames
    fields: Sequence[Field]
    consumers: Sequence[str]
    revision: str
    after: str


def next_revision(root: Path) -> tuple[str, str]:
    """The number of the next migration and the last that there is; DevError where there is none."""
    numbers = sorted(path.name[:4] for path in (root / VERSIONS).glob("[0-9]*.up.sql"))
    if not numbers:
        raise DevError(f"{VERSIONS} holds no migration to come after")
    return f"{int(numbers[-1]) + 1:04}", numbers[-1]


def plan(feature: Feature) -> Plan:
    """Every file of `feature` and every line that joins it to what is there."""
    names = feature.names
    package, item, items = names.feature.snake, names.item.snake, names.items.snake
    values = _values(feature)
    step = f"{feature.revision}_{items}"
    places = {
        Path("shared", "contracts", names.feature.kebab, "feature.yaml"): "shared/feature.yaml",
        Path("shared", "models", f"{package}.py"): "shared/models.py",
        VERSIONS / f"{step}.up.sql": "back-postgres/up.sql",
        VERSIONS / f"{step}.down.sql": "back-postgres/down.sql",
        VERSIONS / f"{step}.py": "back-postgres/revision.py",
        Path(
            "back-postgres", "repositories", f"{item}_repository.py"
        ): "back-postgres/repository.py",
        Path("back-postgres", "routes", f"{items}.py"): "back-postgres/routes.py",
        Path("back-postgres", "tests", f"test_{items}.py"): "back-postgres/test.py",
        Path("back-api", "features", package, "__init__.py"): "back-api/__init__.py",
        Path("back-api", "features", package, "api.py"): "back-api/api.py",
        Path("back-api", "features", package, "domain.py"): "back-api/domain.py",
        Path("back-api", "features", package, "infrastructure.py"): "back-api/infrastructure.py",
        Path("back-api", "tests", f"fake_{items}.py"): "back-api/fake.py",
        Path("back-api", "tests", f"test_{items}.py"): "back-api/test.py",
    }
    texts = {path: render(f"feature/{name}", values) for path, name in places.items()}
    return Plan(formatted(texts), _edits(feature), [Path("back-api", "features", package)])


def _edits(feature: Feature) -> list[Edit]:
    names = feature.names
    package, item, items = names.feature.snake, names.item, names.items.snake
    repository = f"{item.pascal}Repository"
    imported = f"from repositories.{item.snake}_repository import {repository}\n"
    exists = f"{item.with_article.capitalize()} with this id exists."
    meanings = (
        f'    "{items}_pkey": (Conflict, "{item.snake}_exists", "{exists}"),\n'
        f'    "{items}_user_id_fkey": (NotFound, "user_not_found", "There is no such user."),\n'
    )
    api, postgres = Path("back-api"), Path("back-postgres")
    return [
        (api / "main.py", ImportedName("features", package)),
        (api / "main.py", AfterLast(_ROUTER, _included(f"{package}.feature(postgres)"))),
        (api / "CONTEXT.md", Word(r"^Features: .*`(?=\.$)", f", `{package}`")),
        (postgres / "main.py", SortedLine(r"^from repositories\.\w+ import ", imported)),
        (postgres / "main.py", ImportedName("routes", items)),
        (
            postgres / "main.py",
            AfterLast(_ROUTER, _included(f"{items}.router({repository}(database, commands))")),
        ),
        (postgres / "engine_errors.py", AfterLast(r'^    "\w+": \(', meanings, until=r"^}")),
    ]


def _included(router: str) -> str:
    line = f"    service.api.include_router({router})\n"
    if len(line) <= LINE_LENGTH + 1:
        return line
    return f"    service.api.include_router(\n        {router}\n    )\n"


def _values(feature: Feature) -> dict[str, object]:
    names, fields = feature.names, feature.fields
    listed = ", ".join(field.name for field in fields)

    def columns(text: str, first: int = 0) -> str:
        return wrapped(text.replace("{fields}", listed), first)

    def assignments(at: int) -> str:
        pairs = [f"{field.name} = ${number}" for number, field in enumerate(fields, at)]
        return wrapped(", ".join([*pairs, "version = version + 1", "updated_at = now()"]), 4)

    def numbers(count: int) -> str:
        return wrapped(", ".join(f"${number + 1}" for number in range(count)), 8)

    return {
        "feature": names.feature.kebab,
        "package": names.feature.snake,
        "module": names.feature.snake,
        "table": names.items.snake,
        "item": names.item.snake,
        "Item": names.item.pascal,
        "items": names.items.snake,
        "Items": names.items.pascal,
        "items_path": names.items.kebab,
        "one": names.item.words,
        "a_one": names.item.with_article,
        "many": names.items.words,
        "fields": fields,
        "columns": columns,
        "assignments": assignments,
        "numbers": numbers,
        "consumers": feature.consumers,
        "revision": feature.revision,
        "down_revision": feature.after,
        "page_default": PAGE_DEFAULT,
        "page_max": PAGE_MAX,
        "integer_max": INTEGER_MAX,
    }


def later_steps(root: Path, revision: str) -> list[str]:
    """The migrations that come after `revision`, which keep it from being taken away."""
    names = sorted(path.name for path in (root / VERSIONS).glob("[0-9]*.up.sql"))
    return [re.sub(r"\.up\.sql$", "", name) for name in names if name[:4] > revision]
