"""The file of an export: its cells, and what a crash leaves of it."""

import csv
import multiprocessing
import os
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from pydantic import JsonValue

from exports.export_file import COLUMNS, ExportFile, path_of, remove_old, safe_cell
from settings import Settings
from shared.kit.errors import Unavailable
from shared.models.export import ExportedUser
from task_runner import Save
from tasks.user_export import user_export
from tests.fake_services import FakeServices

PAGE = 10


class FakeRun:
    """A run that saves at each report; it is lost at the report `lost_at`."""

    params: dict[str, JsonValue]

    def __init__(self, task_id: UUID, checkpoint: JsonValue = None, lost_at: int = 0) -> None:
        self.task_id = task_id
        self.params = {}
        self.checkpoint: JsonValue | None = checkpoint
        self.progress: list[int] = []
        self._lost_at = lost_at

    async def report(self, progress: int, save: Save | None = None) -> None:
        self.progress.append(progress)
        if len(self.progress) == self._lost_at:
            raise Unavailable
        assert save
        self.checkpoint = await save()


class Pages:
    """Users in memory."""

    def __init__(self, users: list[ExportedUser]) -> None:
        self.users = users
        self.asked = 0

    async def page(self, after: UUID | None, limit: int) -> list[ExportedUser]:
        self.asked += 1
        return [it for it in self.users if after is None or it.id > after][:limit]


@pytest.fixture
def users(services: FakeServices) -> list[ExportedUser]:
    services.add_users(95)
    return services.users


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "exports"


@pytest.fixture
def small(settings: Settings, folder: Path) -> Settings:
    return settings.model_copy(update={"exports_dir": folder, "export_page": PAGE})


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as text:
        return list(csv.DictReader(text))


class TestCells:
    @pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])  # noqa: RUF001 - a wide form
    def test_none_is_a_formula(self, start: str) -> None:
        assert safe_cell(f"{start}1+1") == f"'{start}1+1"

    def test_others_stay_as_they_are(self) -> None:
        assert [safe_cell(it) for it in (None, "", "a=b", 7)] == ["", "", "a=b", "7"]


class TestExport:
    async def test_has_every_user_once(
        self, users: list[ExportedUser], small: Settings, folder: Path
    ) -> None:
        run = FakeRun(uuid4())
        result = await user_export(Pages(users), small)(run)
        path = path_of(folder, run.task_id)
        rows = rows_of(path)
        assert result == {"rows": 95, "bytes": path.stat().st_size}
        assert [row["id"] for row in rows] == [str(user.id) for user in users]
        assert list(rows[0]) == list(COLUMNS)
        assert rows[0]["first_name"] == '\'=HYPERLINK("x")'
        assert rows[0]["created_at"] == "2026-01-01T00:00:00+00:00"
        raw = path.read_bytes()
        assert raw.startswith(b"\xef\xbb\xbfid,email,")
        assert raw.count(b"\r\n") == raw.count(b"\n") == 96
        assert run.progress == sorted(run.progress)
        assert [it.name for it in folder.iterdir()] == [path.name]

    async def test_continues_at_the_checkpoint(
        self, users: list[ExportedUser], small: Settings, folder: Path
    ) -> None:
        lost = FakeRun(uuid4(), lost_at=6)
        with pytest.raises(Unavailable):
            await user_export(Pages(users), small)(lost)
        pages = Pages(users)
        run = FakeRun(lost.task_id, lost.checkpoint)
        await user_export(pages, small)(run)
        rows = rows_of(path_of(folder, run.task_id))
        assert [row["id"] for row in rows] == [str(user.id) for user in users]
        assert pages.asked == 6, "half of the pages, and the empty one at the end"

    async def test_without_the_file_it_begins_again(
        self, users: list[ExportedUser], small: Settings, folder: Path
    ) -> None:
        lost = FakeRun(uuid4(), lost_at=6)
        with pytest.raises(Unavailable):
            await user_export(Pages(users), small)(lost)
        (part,) = folder.iterdir()
        for size in (None, 10):
            part.write_bytes(b"x" * (size or 0))
            if size is None:
                part.unlink()
            run = FakeRun(lost.task_id, lost.checkpoint)
            await user_export(Pages(users), small)(run)
            assert len(rows_of(path_of(folder, run.task_id))) == 95

    async def test_a_checkpoint_leads_to_no_other_folder(
        self, users: list[ExportedUser], small: Settings, tmp_path: Path
    ) -> None:
        other = tmp_path / "other"
        other.write_bytes(b"x" * 100)
        checkpoint: JsonValue = {"file": "../other", "bytes": 0, "rows": 0}
        await user_export(Pages(users), small)(FakeRun(uuid4(), checkpoint))
        assert other.read_bytes() == b"x" * 100


def _hold(folder: Path, task_id: UUID, checkpoint: JsonValue, held: object, go_on: object) -> None:
    file = ExportFile.open(folder, task_id, checkpoint)
    held.set()  # type: ignore[attr-defined]
    go_on.wait(30)  # type: ignore[attr-defined]
    file._write("from the one that was thought lost\r\n")
    file.close()


class TestTwoWorkers:
    async def test_one_that_is_only_slow_does_not_write_into_the_file_of_the_other(
        self, users: list[ExportedUser], small: Settings, folder: Path
    ) -> None:
        lost = FakeRun(uuid4(), lost_at=3)
        with pytest.raises(Unavailable):
            await user_export(Pages(users), small)(lost)
        spawn = multiprocessing.get_context("spawn")
        held, go_on = spawn.Event(), spawn.Event()
        arguments = (folder, lost.task_id, lost.checkpoint, held, go_on)
        slow = spawn.Process(target=_hold, args=arguments)
        slow.start()
        assert held.wait(30)
        run = FakeRun(lost.task_id, lost.checkpoint)
        await user_export(Pages(users), small)(run)
        go_on.set()
        slow.join(30)
        rows = rows_of(path_of(folder, run.task_id))
        assert [row["id"] for row in rows] == [str(user.id) for user in users]


class TestRetention:
    def test_old_files_are_removed(self, tmp_path: Path) -> None:
        old, unfinished, kept = (tmp_path / name for name in ("a.csv", "b.1.part", "c.csv"))
        for file in (old, unfinished, kept):
            file.touch()
        for file in (old, unfinished):
            os.utime(file, (1000, 1000))
        assert remove_old(tmp_path, 2000) == 2
        assert list(tmp_path.iterdir()) == [kept]
        assert remove_old(tmp_path / "missing", 2000) == 0
