"""Pact files, one for each consumer and provider; the same tests write the same text."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, JsonValue, TypeAdapter

Interaction = dict[str, JsonValue]

FOLDER = Path(__file__).parents[3] / "tests" / "contracts" / "pacts"
REWRITE = "WRITE_PACTS"


class _Named(BaseModel):
    name: str


class _Pact(BaseModel):
    consumer: _Named
    provider: _Named
    interactions: list[Interaction]


_States = TypeAdapter(list[_Named])


class PactChanged(AssertionError):
    """The consumer's tests differ from the committed pact."""


def pact_file(
    consumer: str, provider: str, folder: Path = FOLDER, *, feature: str | None = None
) -> Path:
    """The path of a pact; a feature may have its own beside that of the pair."""
    return folder / f"{consumer}-{provider}{f'.{feature}' if feature else ''}.json"


def interactions_in(path: Path) -> list[Interaction]:
    """The interactions of a pact; none without such a file."""
    if not path.exists():
        return []
    return _Pact.model_validate_json(path.read_bytes()).interactions


def parties_in(path: Path) -> tuple[str, str]:
    """The consumer and the provider of a pact."""
    pact = _Pact.model_validate_json(path.read_bytes())
    return pact.consumer.name, pact.provider.name


def states_of(interaction: Interaction) -> list[str]:
    """The names of the states that an interaction needs."""
    return [it.name for it in _States.validate_python(interaction.get("providerStates", []))]


def rendered(consumer: str, provider: str, interactions: Sequence[Interaction]) -> str:
    """The text of a pact of version 4, in a fixed order and free of tools' versions."""
    document = {
        "consumer": {"name": consumer},
        "provider": {"name": provider},
        "interactions": sorted(interactions, key=_description),
        "metadata": {"pactSpecification": {"version": "4.0"}},
    }
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def keep(path: Path, consumer: str, provider: str, interactions: Sequence[Interaction]) -> None:
    """Compare the committed pact with `interactions`, or write it where WRITE_PACTS is set.

    Raises:
        PactChanged: the two differ; the message says where.
    """
    text = rendered(consumer, provider, interactions)
    if os.environ.get(REWRITE):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return
    if path.exists() and path.read_text() == text:
        return
    before = {_description(it): it for it in interactions_in(path)}
    now = {_description(it): it for it in interactions}
    differences = [
        *(f"  new: {name}" for name in sorted(now.keys() - before.keys())),
        *(f"  no longer asked for: {name}" for name in sorted(before.keys() - now.keys())),
        *(
            f"  changed: {name}"
            for name in sorted(now.keys() & before.keys())
            if now[name] != before[name]
        ),
    ]
    raise PactChanged(
        f"{path.name} does not say what these tests of {consumer} say:\n"
        + "\n".join(differences or ["  the same in another order or form"])
        + f"\nIf that is meant: {REWRITE}=1 ./dev test {consumer}, commit the file, "
        f"and see ./dev test {provider}."
    )


def _description(interaction: Interaction) -> str:
    return str(interaction["description"])
