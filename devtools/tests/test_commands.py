"""The commands as a person calls them."""

import getpass
import json
import platform
import subprocess
import sys
import threading
import time
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from devtools.cli import app, main
from devtools.stack import background, control, preflight, up
from devtools.stack.control import ServiceState, StackState, StepState
from devtools.stack.layout import Layout
from devtools.stack.view import Progress, finish
from devtools.tests.stub_stack import stub_program, topology
from devtools.workspace.errors import DevError
from devtools.workspace.repository import Stack

READY = ServiceState("back-api", "ready", [8100], pid=7, ready_after=1.5)
STATE = StackState("ready", 1, 0, [READY], [StepState("environment back-api", "", 3.0, done=True)])


def console() -> tuple[Console, StringIO]:
    output = StringIO()
    return Console(file=output, width=160), output


def test_help_names_every_command_in_one_line() -> None:
    said = CliRunner().invoke(app, ["help"]).output
    for command in (
        "up",
        "down",
        "status",
        "logs",
        "restart",
        "test",
        "check",
        "admin",
        "events",
        "help",
    ):
        assert f"\n  {command} " in said
    assert "./dev up --detach" in said
    assert "supervise" not in said


@pytest.mark.parametrize("words", [["help"], ["up", "--help"]])
def test_how_to_have_a_second_stack_is_told(words: list[str]) -> None:
    said = CliRunner().invoke(app, words).output
    assert "--port-offset N" in said
    assert "--stack NAME" in said


@pytest.mark.parametrize(
    "words",
    [
        ["--stack", "two", "--port-offset", "1000", "up"],
        ["up", "--stack", "two", "--port-offset", "1000"],
    ],
)
def test_up_shifts_the_ports_of_a_named_stack(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Stack] = []
    monkeypatch.setattr(up, "up", lambda stack, *_, **__: started.append(stack))
    assert CliRunner().invoke(app, words).exit_code == 0
    assert started == [Stack.called("two", 1000)]


def test_status_of_nothing_is_down(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stack, "called", lambda *_: stack)
    done = CliRunner().invoke(app, ["status", "--json"])
    assert json.loads(done.output) == {"phase": "down", "services": []}
    assert done.exit_code == 1
    assert "./dev up starts it" in CliRunner().invoke(app, ["status"]).output


def test_status_shows_every_service(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "ask", lambda *_: STATE)
    done = CliRunner().invoke(app, ["status"])
    assert done.exit_code == 0
    assert done.output.splitlines()[1].split() == ["back-api", "8100", "ready", "1.5", "s"]
    said = CliRunner().invoke(app, ["status", "--json"]).output
    assert StackState.from_json(said) == STATE


def test_restart_tells_when_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "ask", lambda *_: STATE)
    said = CliRunner().invoke(app, ["restart", "back-api"]).output
    assert said == "back-api is ready again, 1.5 s after its start.\n"


@pytest.mark.parametrize(
    "problem,line",
    [
        (DevError("do this"), "dev: do this"),
        (OSError(28, "No space left on device", "/x"), "dev: No space left on device: /x"),
    ],
)
def test_a_problem_is_one_line(
    monkeypatch: pytest.MonkeyPatch, problem: Exception, line: str
) -> None:
    def fail(*_: object) -> None:
        raise problem

    monkeypatch.setattr(background, "down", fail)
    monkeypatch.setattr(sys, "argv", ["dev", "down"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == line


def test_down_of_nothing_says_so(stack: Stack) -> None:
    assert background.down(stack) == "Nothing to end: the stack is not running."
    preflight.make_folder(stack)
    assert background.down(stack) == "Nothing to end: the stack is not running."


def test_up_runs_until_it_is_told_to_end(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    stack.folder.mkdir()
    monkeypatch.setattr(up, "topology_of", lambda *_: topology(stack.folder))
    monkeypatch.setattr(up, "partial", lambda *_, **__: stub_program)
    monkeypatch.setattr(preflight, "check_disk", lambda *_: None)
    ended: list[str] = []

    def end_once_ready() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not ended:
            try:
                if control.ask(stack.control, control.Request("status")).phase == "ready":
                    control.ask(stack.control, control.Request("down"))
                    ended.append("asked")
            except control.NotRunning:
                time.sleep(0.05)  # noqa: TID251 - polls until a deadline

    other = threading.Thread(target=end_once_ready)
    other.start()
    it, output = console()
    up.up(stack, control.StartOptions(), it)
    other.join()
    assert ended == ["asked"]
    said = output.getvalue()
    for expected in ("back-api: ready", "Ready in ", "Ctrl-C ends it.", "The stack is down."):
        assert expected in said


def test_a_supervisor_that_ends_early_is_quoted(stack: Stack) -> None:
    preflight.make_folder(stack)
    stack.supervisor_log.write_text("dev: port 8000 is taken\n")
    with subprocess.Popen(["true"]) as process:
        process.wait()
    it, _ = console()
    with pytest.raises(DevError, match=r"^port 8000 is taken$"):
        background._follow_until_ready(stack, process, Progress(it))


def test_the_end_of_a_start_says_what_to_try_next() -> None:
    it, output = console()
    finish(it, STATE, detached=True)
    said = output.getvalue()
    assert "http://127.0.0.1:8000/api/user-registration" in said
    assert "http://127.0.0.1:8025" in said
    assert "environments 3.0 s" in said
    assert "./dev down ends it." in said


def test_a_change_of_a_service_is_told_once() -> None:
    it, output = console()
    progress = Progress(it)
    step = StepState("environment back-api", "", 0, done=False)
    progress.show(StackState("starting", 1, 0, [READY], [step], seconds=1.5))
    gone = ServiceState("back-api", "restarting", [8100], detail="ended by signal 9")
    for service in (READY, READY, gone, gone, READY):
        progress.show(StackState("ready", 1, 0, [service]))
    assert output.getvalue().splitlines() == [
        "   1.5 s  environment back-api …",
        "   1.5 s  back-api: ready",
        "back-api: restarting (ended by signal 9)",
        "back-api: ready",
    ]


def test_a_full_disk_is_refused(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    preflight.make_folder(stack)
    it = topology(stack.folder)
    services = [Layout(it, stack).local(service) for service in it.services.values()]
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10**8}))
    with pytest.raises(DevError, match=r"0\.1 GB free .* free some space"):
        preflight.check_disk(stack, services)


def test_a_folder_of_someone_else_is_refused(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(DevError, match="is not writable for you"):
        preflight.make_folder(stack)


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> str:
    """Who runs the command, as it is told to back-api."""
    monkeypatch.setattr(getpass, "getuser", lambda: "ada")
    monkeypatch.setattr(platform, "node", lambda: "host")
    return "--operator=ada@host"


def command(stack: Stack, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The exit code of a command of back-api."""
    monkeypatch.setattr(Stack, "called", lambda *_: stack)
    return CliRunner().invoke(app, words, catch_exceptions=False).exit_code


@pytest.mark.parametrize(
    "given, passed_on",
    [
        (
            ["admin", "create", "ada@example.org", "--password-stdin"],
            ["features.user_administration", "ada@example.org", "--password-stdin"],
        ),
        (
            ["events", "list", "--consumer", "mail", "--json"],
            ["features.event_administration", "list", "--consumer", "mail", "--json"],
        ),
        (["events", "--help"], ["features.event_administration", "--help"]),
        (["reconcile", "--dry-run"], ["features.event_administration", "reconcile", "--dry-run"]),
    ],
)
def test_commands_run_in_back_apis_environment(
    stack: Stack,
    operator: str,
    monkeypatch: pytest.MonkeyPatch,
    given: list[str],
    passed_on: list[str],
) -> None:
    monkeypatch.setattr(control, "ask", lambda *_: STATE)
    calls: list[list[str]] = []
    environment: dict[str, str] = {}

    def run(argv: list[str], **options: object) -> "subprocess.CompletedProcess[bytes]":
        calls.append([str(word) for word in argv])
        env = options["env"]
        assert isinstance(env, dict)
        environment.update(env)
        return subprocess.CompletedProcess(argv, 3)

    monkeypatch.setattr(subprocess, "run", run)
    assert command(stack, monkeypatch, *given) == 3
    assert calls[0][0].endswith(".run/venvs/back-api/bin/python")
    assert calls[0][1:] == ["-m", *passed_on, operator]
    assert environment["SECRETS_DIR"] == str(stack.mounts / "back-api" / "secrets")


@pytest.mark.parametrize(
    "given, passed_on",
    [
        (["admin", "create", "ada@example.org"], "features.user_administration ada@example.org"),
        (["events", "replay", "--type", "a.b"], "features.event_administration replay --type a.b"),
    ],
)
def test_commands_go_to_docker_where_that_runs_back_api(
    stack: Stack,
    operator: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: list[str],
    passed_on: str,
) -> None:
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\necho abc\n')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert command(stack, monkeypatch, *given) == 0
    last = (tmp_path / "asked").read_text().splitlines()[-1]
    assert last == f"compose exec -T back-api python -m {passed_on} {operator}"


def test_commands_without_any_stack_say_how_to_start_one(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(control.NotRunning, match=r"\./dev up starts it"):
        command(stack, monkeypatch, "admin", "create", "ada@example.org")


def test_commands_wait_for_back_api(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "ask", lambda *_: StackState("starting", 1, 0, []))
    with pytest.raises(DevError, match="back-api is not ready"):
        command(stack, monkeypatch, "events", "stats")
