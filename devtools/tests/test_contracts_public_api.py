"""The document of /docs."""

import json

from devtools.contracts import public_api
from devtools.workspace.repository import ROOT
from shared.testing.contracts import files


def test_it_holds_what_people_call_and_nothing_else() -> None:
    document = json.loads(public_api.document_for_docs(files.read_all(ROOT), "7.0.0"))

    assert document["info"]["version"] == "7.0.0"
    assert {"/auth/login", "/api/users/me", "/health"} <= set(document["paths"])
    assert not [it for it in document["paths"] if it.startswith(("/internal/", "/health/"))]
    assert "/users/lookup" not in document["paths"]


def test_each_tag_is_a_contract_with_its_summary() -> None:
    contracts = files.read_all(ROOT)
    document = json.loads(public_api.document_for_docs(contracts, "1.0.0"))

    assert {"name": "profile", "description": contracts["profile"].contract.summary} in document[
        "tags"
    ]
