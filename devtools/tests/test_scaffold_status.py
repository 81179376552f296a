"""How far a feature is, told by what exists."""

from pathlib import Path

import pytest

from devtools.scaffold import status
from devtools.workspace.errors import DevError
from devtools.workspace.repository import ROOT

CONTRACT = """\
name: notes
version: 1.2.0
services:
  - name: back-api
  - name: back-postgres
  - name: front-public
endpoints:
  - {service: back-api, method: GET, path: /api/notes, response: {model: notes.NotePage}}
  - {service: back-api, method: PATCH, path: "/api/notes/{id}", response: {model: notes.Note}}
  - {service: back-postgres, method: POST, path: /notes, request: notes.WriteNote}
"""
API = """\
from fastapi import APIRouter


def router() -> APIRouter:
    routes = APIRouter(prefix="/api/notes")

    @routes.get("")
    async def page() -> None: ...
"""
PAGE = f"# Feature notes\nNotes.\n\n{status.HEADER}| contract | missing | |\n\nLater.\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in {
        "shared/contracts/notes/feature.yaml": CONTRACT,
        "shared/models/notes.py": "class Note(Response): ...\n",
        "back-api/features/notes/api.py": API,
        "back-api/features/notes/CONTEXT.md": PAGE,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def states(root: Path, feature: str) -> dict[str, str]:
    return {layer: state for layer, (state, _) in status.layers(root, feature).items()}


class TestLayers:
    def test_each_by_what_exists(self, root: Path) -> None:
        assert states(root, "notes") == {
            "contract": "done",
            "models": "part",
            "back-api: folder": "done",
            "back-api: endpoints": "part",
            "back-api: tests": "missing",
            "migration": "missing",
            "repository": "missing",
            "back-postgres: folder": "missing",
            "back-postgres: endpoints": "missing",
            "back-postgres: tests": "missing",
            "front-public: folder": "missing",
        }

    def test_an_endpoint_is_there_once_its_method_is(self, root: Path) -> None:
        api = root / "back-api" / "features" / "notes" / "api.py"
        api.write_text(f'{API}\n    @routes.patch("/{{id}}")\n    async def edit() -> None: ...\n')
        assert states(root, "notes")["back-api: endpoints"] == "done"

    @pytest.mark.parametrize("feature", ["profile", "user-registration", "audit"])
    def test_what_was_written_by_hand_is_found_too(self, feature: str) -> None:
        assert set(states(ROOT, feature).values()) == {"done"}

    def test_there_must_be_a_contract(self, root: Path) -> None:
        with pytest.raises(DevError, match="there are notes"):
            status.layers(root, "rockets")


class TestRefresh:
    def test_fills_the_table_and_keeps_the_rest(self, root: Path) -> None:
        page = root / status.refresh(root, "notes")
        assert (
            "| contract | done | `shared/contracts/notes/feature.yaml` 1.2.0 |" in page.read_text()
        )
        assert page.read_text().startswith("# Feature notes\nNotes.\n\n| layer")
        assert page.read_text().endswith("|\n\nLater.\n")

    def test_needs_a_table(self, root: Path) -> None:
        with pytest.raises(DevError, match="no table"):
            status.refresh(root, "rockets")
