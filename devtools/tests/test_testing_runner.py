"""./dev test: parts are found, run apart, and counted as what they are."""

import asyncio
import textwrap
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from devtools.engines import fronts
from devtools.testing import run as run_
from devtools.testing.cli import app
from devtools.testing.engines import PartEngine
from devtools.testing.parts import LONGEST, Part, chosen, parts
from devtools.testing.reports import Outcome, cases, counts, outcome_of
from devtools.testing.run import PartRunner
from devtools.testing.stack import Target
from devtools.workspace.errors import DevError
from devtools.workspace.repository import UV

needs_environments = pytest.mark.skipif(not UV.exists(), reason="environments are made by ./dev")
ENGINE = PartEngine("valkey", "valkey/valkey:9", "VALKEY", "back-redis")


@asynccontextmanager
async def stand_in_engine(engine: PartEngine) -> AsyncIterator[dict[str, str]]:
    yield {f"TEST_{engine.prefix}_PORT": "6379"}


@asynccontextmanager
async def broken_engine(_: PartEngine) -> AsyncIterator[dict[str, str]]:
    raise DevError("the disk is full")
    yield {}


def part(folder: Path, tests: str, *, engine: PartEngine | None = None) -> Part:
    (folder / "tests").mkdir()
    (folder / "tests" / "test_it.py").write_text(textwrap.dedent(tests))
    return Part("sample", folder, "tests", "devtools", engine=engine, has_floor=False)


async def outcomes(
    wanted: Part, *, arguments: Sequence[str] = (), target: Target | None = None
) -> list[Outcome]:
    heard: list[Outcome] = []
    runner = PartRunner(stand_in_engine, heard.append, target, arguments)
    result = await runner.run([wanted])
    assert heard == result
    return result


@needs_environments
class TestRun:
    async def test_counts_what_passed_failed_and_was_skipped(self, tmp_path: Path) -> None:
        tests = """
            import pytest
            def test_good(): pass
            def test_bad(): assert not "this"
            @pytest.mark.skip
            def test_later(): pass
            """

        (outcome,) = await outcomes(part(tmp_path, tests))

        assert (outcome.passed, outcome.failed, outcome.skipped) == (1, 1, 1)
        assert "test_bad" in outcome.log

    async def test_tests_get_the_address_of_their_engine(self, tmp_path: Path) -> None:
        tests = """
            import os
            def test_it(): assert os.environ["TEST_VALKEY_PORT"] == "6379"
            """

        (outcome,) = await outcomes(part(tmp_path, tests, engine=ENGINE))

        assert outcome.failed == 0

    async def test_an_engine_that_does_not_start_fails_its_part(self, tmp_path: Path) -> None:
        runner = PartRunner(broken_engine, lambda _: None)

        (outcome,) = await runner.run([part(tmp_path, "", engine=ENGINE)])

        assert (outcome.passed, outcome.failed) == (0, 1)
        assert outcome.log == "the disk is full\n"

    async def test_a_part_without_tests_has_failed(self, tmp_path: Path) -> None:
        (outcome,) = await outcomes(part(tmp_path, "x = 1\n"))

        assert (outcome.passed, outcome.failed) == (0, 1)

    async def test_arguments_reach_pytest(self, tmp_path: Path) -> None:
        tests = "def test_a(): pass\ndef test_b(): pass\n"

        (outcome,) = await outcomes(part(tmp_path, tests), arguments=["-k", "test_b"])

        assert outcome.passed == 1

    async def test_tests_on_a_stack_hear_of_it(self, tmp_path: Path) -> None:
        wanted = part(tmp_path, "def test_it(base_url): assert base_url == 'http://there'\n")
        (tmp_path / "tests" / "conftest.py").write_text(
            textwrap.dedent(
                """
                import pytest
                def pytest_addoption(parser):
                    parser.addoption("--base-url")
                    parser.addoption("--mail-url")
                @pytest.fixture
                def base_url(request): return request.config.getoption("base_url")
                """
            )
        )
        on_stack = Part("e2e", wanted.folder, "tests", "devtools", on_stack=True, has_floor=False)

        (outcome,) = await outcomes(on_stack, target=Target("http://there", "http://mail"))

        assert outcome.failed == 0, outcome.log

    async def test_what_takes_longest_begins_first(self, tmp_path: Path) -> None:
        heard: list[str] = []
        alone = part(tmp_path, "def test_it(): pass\n")
        on_stack = replace(alone, name="e2e", on_stack=True)
        runner = PartRunner(
            stand_in_engine,
            lambda outcome: heard.append(outcome.part),
            Target("http://there", "http://mail"),
            slots=asyncio.Semaphore(1),
        )

        await runner.run([alone, on_stack])

        assert heard == ["e2e", "sample"]

    async def test_one_that_hangs_is_ended_and_says_where(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(run_, "PART_SECONDS", 6.0)
        tests = "import threading\ndef test_stuck(): threading.Event().wait()\n"

        (outcome,) = await outcomes(part(tmp_path, tests))

        assert (outcome.passed, outcome.failed) == (0, 1)
        assert "test_it.py" in outcome.log


@needs_environments
class TestSecondTry:
    """A test that fails once, and one that fails always."""

    TESTS = """
        import pathlib
        def test_bad(): assert not "this"
        def test_good(): pass
        def test_once():
            begun = pathlib.Path("begun")
            known = begun.exists()
            begun.touch()
            assert known
        """

    async def ran(self, wanted: Part, results: Path, *, second_try: bool = True) -> Outcome:
        runner = PartRunner(stand_in_engine, lambda _: None, results=results, second_try=second_try)
        (outcome,) = await runner.run([wanted])
        return outcome

    async def test_what_passes_then_is_flaky_and_what_fails_again_has_failed(
        self, tmp_path: Path
    ) -> None:
        outcome = await self.ran(part(tmp_path, self.TESTS), tmp_path)

        assert (outcome.passed, outcome.failed) == (2, 1)
        assert outcome.flaky == ("tests.test_it.test_once",)
        assert "test_once" in outcome.log
        assert {it.outcome for it in cases(tmp_path / "sample.xml")} == {"passed", "failed"}

    async def test_a_part_whose_failures_all_pass_then_has_passed(self, tmp_path: Path) -> None:
        wanted = part(tmp_path, self.TESTS.replace('not "this"', "True"))

        outcome = await self.ran(wanted, tmp_path)

        assert (outcome.passed, outcome.failed, len(outcome.flaky)) == (3, 0, 1)

    async def test_many_failures_are_not_tried_again(self, tmp_path: Path) -> None:
        more = "".join(f"        def test_{number}(): assert False\n" for number in range(5))

        outcome = await self.ran(part(tmp_path, f"{self.TESTS.rstrip()}\n{more}"), tmp_path)

        assert (outcome.failed, outcome.flaky) == (7, ())

    async def test_without_it_a_failure_stays(self, tmp_path: Path) -> None:
        outcome = await self.ran(part(tmp_path, self.TESTS), tmp_path, second_try=False)

        assert (outcome.failed, outcome.flaky) == (2, ())


class TestAdapters:
    async def test_tests_marked_real_run_with_the_addresses_of_services(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        @asynccontextmanager
        async def services() -> AsyncIterator[dict[str, str]]:
            yield {"BACK_REDIS_URL": "http://there"}

        monkeypatch.setattr(run_, "stack_of_services", services)
        tests = """
            import os, pytest
            def test_usual(): raise AssertionError
            @pytest.mark.real
            def test_real(): assert os.environ["BACK_REDIS_URL"] == "http://there"
            """
        wanted = part(tmp_path, tests)
        (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = real\naddopts = -m 'not real'\n")

        (outcome,) = await outcomes(replace(wanted, of_adapters=True))

        assert (outcome.passed, outcome.failed, outcome.skipped) == (1, 0, 0), outcome.log

    async def test_services_that_do_not_start_fail_their_parts(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        @asynccontextmanager
        async def services() -> AsyncIterator[dict[str, str]]:
            raise DevError("the disk is full")
            yield {}

        monkeypatch.setattr(run_, "stack_of_services", services)

        (outcome,) = await outcomes(replace(part(tmp_path, ""), of_adapters=True))

        assert (outcome.failed, outcome.log) == (1, "the disk is full\n")


class TestOutcome:
    def test_pytest_failing_without_a_failed_test_counts_as_one(self, tmp_path: Path) -> None:
        report = tmp_path / "report.xml"
        report.write_text(f"<testsuites><testsuite>{'<testcase/>' * 3}</testsuite></testsuites>")

        outcome = outcome_of("back-api", 1, report, 1.0, "coverage is below 90")

        assert (outcome.passed, outcome.failed) == (3, 1)

    def test_an_end_without_a_report_is_a_failure(self, tmp_path: Path) -> None:
        outcome = outcome_of("back-api", -9, tmp_path / "none.xml", 1.0, "")

        assert (outcome.passed, outcome.failed) == (0, 1)

    def test_totals_are_one_line_over_all_parts(self) -> None:
        some = Outcome("a", 2, 1, 0, 1.0)

        assert counts([some, Outcome("b", 3, 0, 0, 1.0)]) == "5 passed, 1 failed"
        assert counts([some, Outcome("b", 3, 0, 4, 1.0)]) == "5 passed, 1 failed, 4 skipped"


class TestParts:
    def test_every_folder_with_tests_is_a_part(self) -> None:
        found = parts()

        assert {*LONGEST, "mailbox"} <= set(found)
        assert found["back-redis"].engine == ENGINE
        assert found["devtools"].folder.name == "devtools"

    def test_adapters_are_a_part_of_each_service_that_has_them(self) -> None:
        found = chosen(["adapters"])

        assert "adapters-back-auth" in [part.name for part in found]
        assert all(part.of_adapters and not part.has_floor for part in found)

    def test_an_unknown_part_is_refused_with_those_there_are(self) -> None:
        with pytest.raises(DevError, match=r"no part 'back-apy'.*devtools"):
            chosen(["back-apy"])


def test_a_stack_elsewhere_needs_both_addresses() -> None:
    with pytest.raises(DevError, match="both --base-url and --mail-url"):
        app(["e2e", "--base-url", "http://there"], standalone_mode=False)


def test_the_list_names_the_parts(capsys: pytest.CaptureFixture[str]) -> None:
    app(["--list"], standalone_mode=False)

    assert "devtools" in capsys.readouterr().out.splitlines()


class TestVitest:
    REPORT = """
        <testsuites><testsuite name="a.test.ts">
        <testcase classname="a.test.ts" name="adds"/>
        <testcase classname="a.test.ts" name="waits"><skipped/></testcase>
        <testcase classname="a.test.ts" name="divides"><failure message="by zero"/></testcase>
        </testsuite></testsuites>
        """

    async def test_its_report_is_counted_as_that_of_pytest(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        node = tmp_path / "node"
        (tmp_path / "report").write_text(textwrap.dedent(self.REPORT).strip())
        node.write_text(
            '#!/bin/sh\nfor it; do case "$it" in --outputFile.junit=*) '
            f'cp {tmp_path}/report "${{it#*=}}";; esac; done\necho "asked: $*"; exit 1\n'
        )
        node.chmod(0o755)

        async def installed() -> Path:
            return node

        monkeypatch.setattr(fronts, "install", installed)
        front = Part("front-trial", tmp_path, ".", "", by_vitest=True, has_floor=False)
        (outcome,) = await outcomes(front, arguments=["-t", "adds"])
        assert (outcome.passed, outcome.failed, outcome.skipped) == (1, 1, 1)
        assert "vitest.mjs run" in outcome.log
        assert "-t adds" in outcome.log
