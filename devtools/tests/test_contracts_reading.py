"""A mistake in a contract is named with file, line, place and what was expected."""

from pathlib import Path

import pytest

from shared.testing.contracts.files import Unreadable, read, read_all

PATH = Path("shared/contracts/wishlist/feature.yaml")
CONTRACT = """\
name: wishlist
version: 1.0.0
type: cross-service
summary: A user wishes for tools.

services:
  - name: back-api
    provides: [business-logic]

data_flow: []

dependencies:
  back-api:
    - shared: ">=1.0.0"

endpoints:
  - service: back-api
    method: GET
    path: /api/wishlist
    auth_required: true
    query:
      limit: {type: integer, maximum: 50}
    response: {status: 200}
    errors: {404: [nothing_wished]}
    idempotent: true
"""


def test_a_contract_knows_the_lines_of_its_parts() -> None:
    file = read(PATH, CONTRACT)
    assert file.contract.endpoints[0].query["limit"].maximum == 50
    assert file.source.line("version") == 2
    assert file.source.line("endpoints", 0, "path") == 19
    assert file.source.line("endpoints", 0, "query", "limit") == 22
    assert file.source.line("endpoints", 0, "request") == 17, "what is absent: the part around it"


def test_the_short_form_of_a_parameter_is_its_type() -> None:
    text = CONTRACT.replace("{type: integer, maximum: 50}", "integer")
    assert read(PATH, text).contract.endpoints[0].query["limit"].type == "integer"


@pytest.mark.parametrize(
    "old,new,said",
    [
        ("version: 1.0.0", "version: 1.0", ":2: version: Input should be a valid string, not 1.0"),
        ("version: 1.0.0", "version: one", ":2: version: String should match pattern"),
        ("type: cross-service", "type: both", ":3: type: Input should be 'cross-service' or"),
        ("summary: A user", "sumary: A user", ":4: sumary: unknown key, shared/testing"),
        ("    path: /api", "    pat: /api", ":19: endpoints[0].pat: unknown key"),
        ("    path: /api", "    path: api", ":19: endpoints[0].path: String should match"),
        ("    idempotent: true\n", "", ":17: endpoints[0].idempotent: is missing"),
        ("maximum: 50", "most: 50", ":22: endpoints[0].query.limit.most: unknown key"),
        ('">=1.0.0"', '"=>1.0.0"', ":14: dependencies.back-api[0].shared: a range of versions"),
        ("auth_required: true", "scope: x:y", ":17: endpoints[0]: scope needs callers"),
        ("    auth_required: true\n", "", ":17: endpoints[0]: either auth_required"),
        ("[nothing_wished]", "[]", ":24: endpoints[0].errors[404]: List should have at least 1"),
        ("data_flow: []", "name: other", ":10: the key 'name' stands twice"),
        ("data_flow: []", "data_flow: [", ":13: is no YAML:"),
    ],
)
def test_a_mistake_is_named_with_its_line(old: str, new: str, said: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read(PATH, CONTRACT.replace(old, new, 1))
    assert str(refused.value).startswith(f"{PATH}{said}")


def test_an_empty_file_is_no_contract() -> None:
    with pytest.raises(Unreadable, match="the file is empty"):
        read(PATH, "")


def test_the_mistakes_of_all_contracts_come_together(tmp_path: Path) -> None:
    for folder, text in (("one", "name: one\n"), ("two", CONTRACT)):
        file = tmp_path / "shared" / "contracts" / folder / "feature.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(text)
    with pytest.raises(Unreadable) as refused:
        read_all(tmp_path)
    said = str(refused.value)
    assert "one/feature.yaml:1: version: is missing" in said
    assert "two/feature.yaml:1: name: wishlist stands in the folder two" in said
