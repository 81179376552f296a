"""./dev new feature and ./dev feature: make one, tell how far it is, take it away."""

from collections.abc import Sequence
from pathlib import Path

from devtools.scaffold import feature as feature_
from devtools.scaffold import section, tools
from devtools.scaffold.feature import Feature
from devtools.scaffold.fields import parse
from devtools.scaffold.names import FeatureNames
from devtools.scaffold.plan import refuse_edited
from devtools.scaffold.reading import read
from devtools.scaffold.rendering import render
from devtools.workspace.errors import DevError

NEEDED = ("back-api", "back-postgres")
DELIVERED = {"back-cassandra": "audit", "back-redis": "live", "back-websockets": "live"}
"""Services that take part by getting the feature's events, and the consumer that means."""
NOT_YET = {
    "front-public": "the fronts don't exist yet",
    "front-admin": "the fronts don't exist yet",
    "back-auth": "what touches credentials or tokens is written by hand, see back-auth/CONTEXT.md",
    "back-workers": "a task is written by hand, see back-workers/CONTEXT.md",
    "back-gateway": "/api/ is routed already; a new prefix stands in back-gateway/kong.yml",
}


def consumers(services: Sequence[str]) -> list[str]:
    """Who gets the events of a feature across `services`; DevError for what can't be generated.

    Every event goes to the audit log.
    """
    chosen = [service for service in services if service != "shared"]
    for service in chosen:
        if service in NOT_YET:
            raise DevError(f"{service} can't be generated: {NOT_YET[service]}. {_supported()}")
        if service not in {*NEEDED, *DELIVERED}:
            raise DevError(f"there is no service {service}. {_supported()}")
    missing = [service for service in NEEDED if service not in chosen]
    if missing:
        raise DevError(f"a feature needs {' and '.join(missing)} too. {_supported()}")
    return sorted({"audit", *(DELIVERED[it] for it in chosen if it in DELIVERED)})


def create(
    root: Path, name: str, services: Sequence[str], fields: list[str], item: str | None
) -> list[str]:
    """Write the feature and everything that follows from it; the paths, in reading order."""
    names = FeatureNames.of(name, item)
    receiving = consumers(services)
    revision, after = feature_.next_revision(root)
    wanted = Feature(names, parse(fields, names.item), receiving, revision, after)
    plan = feature_.plan(wanted)
    plan.apply(root)
    tools.sync_contracts()
    section.put(root, name, introduction(wanted))
    return [str(path) for path in plan.paths]


def remove(root: Path, name: str) -> list[str]:
    """Take away what `create` wrote; DevError, with nothing changed, where it was edited."""
    present = read(root, name)
    later = feature_.later_steps(root, present.revision)
    if later:
        raise DevError(
            f"the migration {later[0]} comes after that of {name}, so it stays: write a new "
            "migration that drops the table instead"
        )
    plan, said = feature_.plan(present), introduction(present)
    edited = plan.edited(root)
    if section.is_edited(root, name, said):
        edited.append(f"{section.PAGE} ({section.heading(name)})")
    refuse_edited(edited)
    section.take(root, name, said)
    plan.undo(root)
    tools.sync_contracts()
    return [str(path) for path in plan.paths]


def introduction(wanted: Feature) -> str:
    """The first lines of the section in CONTEXT.md."""
    values = {"feature": wanted.names.feature.kebab, "many": wanted.names.items.words}
    return render("feature/back-api/context.md", {**values, "items_path": wanted.names.items.kebab})


def _supported() -> str:
    return (
        f"Generated so far: {', '.join(NEEDED)}, with {', '.join(DELIVERED)} where its events "
        "are to get there"
    )
