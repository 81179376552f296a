"""Each pair of services that talks is tested once: by a contract suite or by a pact.

The pairs come from the contracts, the pacts from `tests/contracts/pacts`. A contract suite names
its pair with `pytest.mark.contract(consumer=…, provider=…)` and runs against the real provider
where `./dev test adapters` selects `pytest.mark.real`.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.testing.contracts.pairs import Pair, pairs
from shared.testing.pacts.document import FOLDER, parties_in

ROOT = Path(__file__).parents[2]
TYPED_ALONE = {
    Pair("front-admin", "back-api"),
    Pair("front-admin", "back-auth"),
    Pair("front-public", "back-auth"),
}
"""Fronts that only tsc holds to the contracts, by generated types (docs/decisions/0010)."""


def with_a_pact() -> set[Pair]:
    return {Pair(*parties_in(path)) for path in FOLDER.glob("*.json")}


def with_a_suite(root: Path = ROOT) -> set[Pair]:
    """The pairs that test modules with a `real` run name."""
    return {
        pair
        for path in root.glob("*/tests/**/*.py")
        if "mark.real" in (text := path.read_text())
        for pair in marked(ast.parse(text))
    }


def marked(module: ast.Module) -> Iterator[Pair]:
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.contract":
            words = {it.arg: ast.literal_eval(it.value) for it in node.keywords}
            yield Pair(words["consumer"], words["provider"])


def test_each_pair_is_tested() -> None:
    neither = pairs() - with_a_pact() - with_a_suite() - TYPED_ALONE
    assert not neither, "write a contract suite (docs/decisions/0010) for each of these pairs"


def test_no_pair_is_tested_twice() -> None:
    both = with_a_pact() & (with_a_suite() | TYPED_ALONE)
    assert not both, "keep the pact or the contract suite of each of these pairs"


def test_each_pact_is_of_a_pair_that_talks() -> None:
    # A suite of another pair does no harm: a copied service keeps those of its origin at first.
    strangers = with_a_pact() - pairs()
    assert not strangers, "no contract says that these services talk"


@pytest.mark.parametrize(
    "real, found",
    [("marks=pytest.mark.real", {Pair("a", "b")}), ("", set())],
    ids=["fake and real", "fake alone"],
)
def test_a_suite_counts_when_it_also_runs_against_the_real_service(
    tmp_path: Path, real: str, found: set[Pair]
) -> None:
    tests = tmp_path / "a" / "tests"
    tests.mkdir(parents=True)
    (tests / "test_b.py").write_text(
        f'@pytest.mark.contract(consumer="a", provider="b")\ndef test(): ...\n# {real}\n'
    )
    assert with_a_suite(tmp_path) == found
