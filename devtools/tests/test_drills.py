"""./dev drill: the drills by name, and what their report says."""

from pathlib import Path

import pytest

from devtools.testing.drills import LONG, drill, drills, verdicts
from devtools.workspace.errors import DevError

REPORT = """<testsuites><testsuite>
<testcase classname="tests.drills.test_x" name="test_one"><properties>
<property name="verdict" value='{"effect": "mail", "promised": 3, "lost": 0}'/>
<property name="other" value="1"/>
</properties></testcase>
</testsuite></testsuites>"""


def test_each_file_is_a_drill_by_its_name() -> None:
    assert {"exactly-once", "circuit-breaker", "storm"} <= set(drills())
    assert set(LONG) <= set(drills())


def test_an_unknown_one_is_refused_with_those_there_are() -> None:
    with pytest.raises(DevError, match=r"no drill 'flood'.*exactly-once"):
        drill("flood")


def test_a_report_holds_what_the_drills_counted(tmp_path: Path) -> None:
    report = tmp_path / "drills.xml"
    report.write_text(REPORT)
    assert list(verdicts(report)) == [{"effect": "mail", "promised": 3, "lost": 0}]
