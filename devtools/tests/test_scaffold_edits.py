"""Each edit of a template is made in a file that exists, and undone."""

from pathlib import Path

import pytest

from devtools.scaffold.edits import Copied, Edit, Lines, Router, read
from devtools.workspace.errors import DevError

MAIN = """\
from features import audit
from settings import Settings


def app():
    service.api.include_router(
        audit.feature(cassandra)
    )
    return service.api
"""
ROUTER = Router("main.py", "from features import notes\n", "notes.feature(postgres)")
LINES = Lines("list.toml", r'^    "', '    "c",\n', until=r"^\]")
COPIED = Copied("copy.toml", "list.toml", {"a": "b"})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "main.py").write_text(MAIN)
    (tmp_path / "list.toml").write_text('[\n    "a",\n]\n[\n    "b",\n]\n')
    return tmp_path


def test_a_router_stands_behind_the_others(root: Path) -> None:
    ROUTER.add(root)
    text = (root / "main.py").read_text()
    assert text.startswith("from features import notes\n")
    assert "    )\n    service.api.include_router(notes.feature(postgres))\n    return" in text


def test_lines_stand_behind_the_last_that_match(root: Path) -> None:
    LINES.add(root)
    assert (root / "list.toml").read_text() == '[\n    "a",\n    "c",\n]\n[\n    "b",\n]\n'


def test_a_copy_has_other_words(root: Path) -> None:
    COPIED.add(root)
    assert '"b",' in (root / "copy.toml").read_text()


@pytest.mark.parametrize("edit", [ROUTER, LINES, COPIED], ids=["router", "lines", "copied"])
class TestRemove:
    def test_takes_out_what_was_added(self, root: Path, edit: Edit) -> None:
        edit.add(root)
        assert edit.remove(root)
        assert not edit.remove(root)

    def test_what_was_edited_stays(self, root: Path, edit: Edit) -> None:
        edit.add(root)
        path = root / edit.path
        edited = path.read_text().replace("notes.", "texts.").replace('"c"', '"d"')
        path.write_text(edited if edited != path.read_text() else edited + "# more\n")
        before = path.read_text()
        assert not edit.remove(root)
        assert path.read_text() == before


def test_where_there_is_no_place(root: Path) -> None:
    with pytest.raises(DevError, match="has no line like nothing"):
        Lines("list.toml", "nothing", "x\n").add(root)
    (root / "main.py").write_text("import this\n")
    with pytest.raises(DevError, match="include_router"):
        ROUTER.add(root)


def test_are_read_by_their_keys() -> None:
    text = "- {path: a, after: b, text: c}\n- {path: a, imports: b, router: c}\n"
    assert read(text) == [Lines("a", "b", "c"), Router("a", "b", "c")]
