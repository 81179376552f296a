from pathlib import Path

import pytest

from devtools.stack import stub
from devtools.workspace.errors import DevError

PROBLEM = {stub.PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def made(**responses: object) -> stub.Document:
    return {
        "paths": {"/users": {"get": {"responses": responses}}},
        "components": {"schemas": {"User": {"properties": {"id": {"type": "string"}}}}},
    }


def bodies(served: stub.Document, status: int) -> list[dict[str, object]]:
    response = served["paths"]["/users"]["get"]["responses"][str(status)]
    found: list[dict[str, object]] = response["content"][stub.PROBLEM]["schema"]["enum"]
    return found


def test_an_error_is_one_of_its_examples_where_it_was_asked_for() -> None:
    examples = {"gone": {"value": {"code": "user_gone", "instance": "/"}}}
    content = {stub.PROBLEM: {**PROBLEM[stub.PROBLEM], "examples": examples}}
    served = stub.served(made(**{"409": {"content": content}}))
    assert bodies(served, 409) == [{"code": "user_gone", "instance": "/users"}]


def test_an_error_of_the_kit_is_one_of_its_examples() -> None:
    given = made(**{"503": {"$ref": "#/components/responses/Unavailable"}})
    examples = {"unavailable": {"value": {"code": "unavailable"}}}
    content = {stub.PROBLEM: {"examples": examples}}
    given["components"]["responses"] = {"Unavailable": {"content": content}}
    assert bodies(stub.served(given), 503) == [{"code": "unavailable", "instance": "/users"}]


def test_answers_that_are_no_errors_stay() -> None:
    given = made(**{"200": {"description": "fine"}})
    assert stub.served(given)["paths"] == given["paths"]


@pytest.mark.parametrize("way", [{"format": "email"}, {"pattern": "^[a-z]+@[a-z]+$"}])
def test_addresses_look_like_addresses(way: dict[str, str]) -> None:
    given = made()
    given["components"]["schemas"]["User"]["properties"]["email"] = way
    email = stub.served(given)["components"]["schemas"]["User"]["properties"]["email"]
    assert email == {**way, "x-faker": "internet.email"}
    assert "x-faker" not in way


def test_a_service_without_a_document_is_told_the_others(tmp_path: Path) -> None:
    with pytest.raises(DevError, match=r"documents 'back-nobody'; there are: back-api, "):
        stub.prepare("back-nobody", tmp_path)
