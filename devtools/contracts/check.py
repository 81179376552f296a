"""What ./dev contracts check looks at, the quick part first."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from devtools.contracts import generated, reading, rules
from devtools.contracts.findings import Finding
from devtools.contracts.reading import ContractFile


@dataclass(frozen=True)
class Tree:
    """A checkout whose contracts are readable."""

    root: Path

    @cached_property
    def contracts(self) -> dict[str, ContractFile]:
        return reading.read_all(self.root)

    @cached_property
    def services(self) -> dict[str, str]:
        """The version of each service that has code."""
        return generated.services_with_code(self.root)

    @cached_property
    def versions(self) -> dict[str, str]:
        """The versions that ranges are resolved against."""
        return {rules.SHARED: generated.shared_version(self.root), **self.services}

    @cached_property
    def documents(self) -> Mapping[Path, str]:
        """Everything that follows from the contracts, as it should be."""
        return generated.files(self.root, self.contracts)


def static(tree: Tree) -> list[Finding]:
    """What needs no service: the contracts themselves, then what was written from them."""
    if found := rules.broken(tree.contracts, tree.versions):
        return found
    return [*drift(tree)]


def drift(tree: Tree) -> list[Finding]:
    """Generated files that no longer say what the contracts and models say."""
    mend = "run ./dev contracts sync"
    return [
        *(
            Finding(path, None, f"differs from the contracts and models: {mend}")
            for path in generated.drifted(tree.root, tree.documents)
        ),
        *(
            Finding(path, None, f"no contract asks for it any more: {mend}")
            for path in generated.left_over(tree.root, tree.documents)
        ),
    ]
