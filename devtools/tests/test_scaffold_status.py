"""How far a feature is, told by what exists."""

from pathlib import Path

import pytest

from devtools.scaffold import section, status
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
  - {service: back-api, method: GET, path: "/api/notes/{note_id}", response: {model: notes.Note}}
  - {service: back-postgres, method: POST, path: /notes, request: notes.WriteNote}
"""
API = """\
from fastapi import APIRouter

routes = APIRouter(prefix="/api/notes")
one = "/{id}"

@routes.get("")
async def page() -> None: ...
"""
CONTEXT = """\
# back-api

## Feature notes
Notes.

| layer | state | where |
|---|---|---|
| contract | missing | |

## Run and test it alone
Later.
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in {
        "shared/contracts/notes/feature.yaml": CONTRACT,
        "shared/models/notes.py": "class Note(Response): ...\n",
        "back-api/features/notes/api.py": API,
        "back-api/CONTEXT.md": CONTEXT,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def states(root: Path, feature: str) -> dict[str, str]:
    return {layer.name: layer.state for layer in status.layers(root, feature)}


class TestLayers:
    def test_each_by_what_exists(self, root: Path) -> None:
        assert states(root, "notes") == {
            "contract": "done",
            "models": "part",
            "migration": "missing",
            "repository": "missing",
            "back-api: slice": "missing",
            "back-api: endpoints": "part",
            "back-api: tests": "missing",
            "back-postgres: slice": "missing",
            "back-postgres: endpoints": "missing",
            "back-postgres: tests": "missing",
            "front-public": "missing",
        }

    def test_follows_a_path_through_prefix_and_name(self, root: Path) -> None:
        api = root / "back-api" / "features" / "notes" / "api.py"
        api.write_text(f'{API}\n@routes.get(f"{{one}}")\nasync def read() -> None: ...\n')
        assert states(root, "notes")["back-api: endpoints"] == "done"

    @pytest.mark.parametrize("feature", ["profile", "user-registration", "audit"])
    def test_what_was_written_by_hand_is_found_too(self, feature: str) -> None:
        assert set(states(ROOT, feature).values()) == {"done"}

    def test_there_must_be_a_contract(self, root: Path) -> None:
        with pytest.raises(DevError, match="there are notes"):
            status.layers(root, "rockets")


class TestSection:
    def test_is_filled_anew_and_all_else_stays(self, root: Path) -> None:
        assert section.refresh(root, "notes") == "back-api/CONTEXT.md"
        text = (root / "back-api" / "CONTEXT.md").read_text()
        assert "| contract | done | `shared/contracts/notes/feature.yaml` 1.2.0 |" in text
        assert text.startswith("# back-api\n\n## Feature notes\nNotes.\n\n| layer")
        assert text.endswith("|\n\n## Run and test it alone\nLater.\n")

    def test_nowhere(self, root: Path) -> None:
        assert section.refresh(root, "rockets") is None

    @pytest.mark.parametrize("page", ["# A\n\n## Run and test it\nSo.\n", "# A\n\nText.\n"])
    def test_is_put_and_taken_without_a_trace(self, root: Path, page: str) -> None:
        (root / section.PAGE).write_text(page)
        section.put(root, "notes", "## Feature notes\nNotes.\n")
        assert not section.is_edited(root, "notes", "## Feature notes\nNotes.\n")
        assert section.is_edited(root, "notes", "## Feature notes\nOther.\n")
        section.take(root, "notes", "## Feature notes\nNotes.\n")
        assert (root / section.PAGE).read_text() == page
