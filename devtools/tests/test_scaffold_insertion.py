"""Lines find their place, and go without a trace."""

from pathlib import Path

import pytest

from devtools.scaffold.insertion import (
    AfterLast,
    Before,
    ImportedName,
    Insertion,
    NoPlace,
    NotThere,
    SortedLine,
    Word,
)
from devtools.scaffold.plan import Plan, refuse_edited
from devtools.workspace.errors import DevError

TEXT = """\
from routes import credentials, deliveries, events, mail_tokens, profiles, user_settings, users
from repositories.a import A
from repositories.c import C

NAMES = {
    "a": (1),
    "b": (2),
}
# Features: `one`, `two`.
"""
INSERTIONS: dict[str, tuple[Insertion, str]] = {
    "after the last": (AfterLast(r'^    "\w": ', '    "c": (3),\n'), '(2),\n    "c": (3),\n}'),
    "before": (Before(r"^NAMES", "# Known.\n\n"), "\n# Known.\n\nNAMES"),
    "sorted": (
        SortedLine(r"^from repositories\.", "from repositories.b import B\n"),
        "import A\nfrom repositories.b import B\nfrom repositories.c",
    ),
    "sorted last": (
        SortedLine(r"^from repositories\.", "from repositories.d import D\n"),
        "import C\nfrom repositories.d import D\n\n",
    ),
    "word": (Word(r"^# Features: .*`(?=\.$)", ", `three`"), "`two`, `three`.\n"),
    "imported, too long for a line": (
        ImportedName("routes", "notes"),
        "    mail_tokens,\n    notes,\n    profiles,\n",
    ),
    "imported": (ImportedName("repositories.a", "B"), "from repositories.a import A, B\n"),
}


@pytest.mark.parametrize("insertion, expected", INSERTIONS.values(), ids=INSERTIONS)
class TestInsertion:
    def test_finds_its_place(self, insertion: Insertion, expected: str) -> None:
        assert expected in insertion.add(TEXT)

    def test_goes_without_a_trace(self, insertion: Insertion, expected: str) -> None:
        assert insertion.remove(insertion.add(TEXT)) == TEXT

    def test_needs_a_place(self, insertion: Insertion, expected: str) -> None:
        with pytest.raises(NoPlace):
            insertion.add("nothing of that kind\n")

    def test_removes_only_what_is_there(self, insertion: Insertion, expected: str) -> None:
        with pytest.raises(NotThere):
            insertion.remove(TEXT)


class TestAfterLast:
    def test_ends_the_search_where_it_is_told(self) -> None:
        insertion = AfterLast(r"^x", "new\n", until=r"^end")
        assert insertion.add("x\nend\nx\n") == "x\nnew\nend\nx\n"


class TestPlan:
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        (tmp_path / "main.py").write_text(TEXT)
        return tmp_path

    def plan(self, *edits: tuple[Path, Insertion]) -> Plan:
        return Plan({Path("new", "note.py"): "NOTE = 1\n"}, edits, [Path("new")])

    def test_writes_and_takes_away(self, root: Path) -> None:
        plan = self.plan((Path("main.py"), ImportedName("routes", "notes")))
        plan.apply(root)
        assert (root / "new" / "note.py").read_text() == "NOTE = 1\n"
        assert plan.edited(root) == []
        plan.undo(root)
        assert [path.name for path in root.iterdir()] == ["main.py"]
        assert (root / "main.py").read_text() == TEXT

    def test_writes_nothing_where_a_place_is_missing(self, root: Path) -> None:
        plan = self.plan((Path("main.py"), Before(r"^absent", "x\n")))
        with pytest.raises(DevError, match=r"main\.py has no place"):
            plan.apply(root)
        assert not (root / "new").exists()

    def test_writes_over_nothing(self, root: Path) -> None:
        plan = self.plan()
        plan.apply(root)
        with pytest.raises(DevError, match=r"note\.py"):
            plan.apply(root)

    def test_names_what_was_edited_and_added(self, root: Path) -> None:
        plan = self.plan((Path("main.py"), ImportedName("routes", "notes")))
        plan.apply(root)
        (root / "main.py").write_text(TEXT)
        (root / "new" / "note.py").write_text("NOTE = 2\n")
        (root / "new" / "more.py").write_text("")
        with pytest.raises(DevError, match=r"main\.py .*, new/more\.py .*, new/note\.py"):
            refuse_edited(plan.edited(root))
