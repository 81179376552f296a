"""Pacts as files: one for a consumer and a provider; the same tests write the same text."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Interaction = dict[str, Any]
"""One as the specification of Pact has it."""

FOLDER = Path(__file__).parents[3] / "tests" / "contracts" / "pacts"
REWRITE = "WRITE_PACTS"


class PactChanged(AssertionError):
    """The consumer's tests and the committed pact differ."""

    def __init__(self, path: Path, consumer: str, difference: str) -> None:
        super().__init__(
            f"{path.name} is not what the tests of {consumer} say: {difference}. If that is "
            f"intended: {REWRITE}=1 ./dev test {consumer}, then test the provider."
        )


def interactions_in(path: Path) -> dict[str, Interaction]:
    """The interactions of a pact by description; none where there is no such file."""
    found: list[Interaction] = json.loads(path.read_text())["interactions"] if path.exists() else []
    return {str(it["description"]): it for it in found}


def parties_in(path: Path) -> tuple[str, str]:
    """The consumer and the provider of a pact."""
    pact = json.loads(path.read_text())
    return pact["consumer"]["name"], pact["provider"]["name"]


def rendered(consumer: str, provider: str, interactions: Iterable[Interaction]) -> str:
    """The text of a pact of version 4, in a fixed order and without the versions of tools."""
    document = {
        "consumer": {"name": consumer},
        "provider": {"name": provider},
        "interactions": sorted(interactions, key=lambda it: str(it["description"])),
        "metadata": {"pactSpecification": {"version": "4.0"}},
    }
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


class Recording:
    """The interactions that a consumer's tests say, against those of the committed pact.

    With WRITE_PACTS set, `finish` writes the pact and nothing is compared.
    """

    def __init__(self, consumer: str, provider: str, folder: Path = FOLDER) -> None:
        self._consumer = consumer
        self._provider = provider
        self._path = folder / f"{consumer}-{provider}.json"
        self._committed = interactions_in(self._path)
        self._said: dict[str, Interaction] = {}
        self._writes = bool(os.environ.get(REWRITE))

    def add(self, interaction: Interaction) -> None:
        """Raises PactChanged when the committed pact has no such interaction."""
        description = str(interaction["description"])
        if description in self._said:
            raise AssertionError(f"two interactions are called {description!r}")
        self._said[description] = interaction
        if not self._writes and self._committed.get(description) != interaction:
            word = "changed" if description in self._committed else "new"
            raise PactChanged(self._path, self._consumer, f"{word}: {description}")

    def finish(self, *, complete: bool) -> None:
        """To be called after the tests; `complete` says that all of them ran.

        Raises:
            PactChanged: the committed pact has interactions that no test says.
        """
        if self._writes:
            kept = {} if complete else self._committed
            text = rendered(self._consumer, self._provider, (kept | self._said).values())
            self._path.write_text(text)
        elif complete and (unsaid := sorted(self._committed.keys() - self._said.keys())):
            raise PactChanged(self._path, self._consumer, f"no test says: {', '.join(unsaid)}")
