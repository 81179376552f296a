"""The demo data says what the public API takes, and goes nowhere but to a stack of development."""

from io import StringIO
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from devtools.stack import control, seed
from devtools.stack.control import ServiceState, StackState
from devtools.stack.seed import DEMO, Demo
from devtools.stack.topology import Topology, load
from devtools.workspace.errors import DevError
from devtools.workspace.repository import ROOT, Stack
from shared.models.notification import Notify
from shared.models.profile import ProfileCreate
from shared.models.registration import UserRegistration
from shared.models.tool import ToolCreate

PORTS = {"back-gateway": 8000, "mailbox": 8025}


@pytest.fixture
def demo() -> Demo:
    return Demo.model_validate(yaml.safe_load(DEMO.read_text()))


def test_each_entry_is_one_that_the_api_takes(demo: Demo) -> None:
    for tool in demo.tools:
        ToolCreate.model_validate(tool.model_dump(exclude={"users"}))
    for person in demo.people:
        body = {"email": person.email, "password": demo.password, "accept_terms": True}
        UserRegistration.model_validate(body)
        ProfileCreate.model_validate(person.profile)
        for message in person.notifications:
            Notify.model_validate(message)


def test_names_are_of_what_is_there(demo: Demo) -> None:
    tools, people = [it.name for it in demo.tools], [it.email for it in demo.people]
    assert len(set(tools)) == len(tools)
    assert len({*people, demo.admin, demo.refused}) == len(people) + 2
    for person in demo.people:
        assert {*person.favourites, *person.launches} <= set(tools)
    assert {email for tool in demo.tools for email in tool.users} <= set(people)


def test_nobody_opens_what_they_may_not(demo: Demo) -> None:
    for tool in demo.tools:
        for person in demo.people:
            listed = person.email in tool.users or "user" in tool.roles
            if tool.access != "all" and (tool.access == "only") != listed:
                assert tool.name not in {*person.favourites, *person.launches}, person.email


def test_readme_names_each_account_and_the_password(demo: Demo) -> None:
    readme = (ROOT / "README.md").read_text()
    for word in (demo.admin, demo.password, *(it.email for it in demo.people)):
        assert f"`{word}`" in readme


@pytest.mark.parametrize(
    "environment, running, said",
    [
        ("production", ["back-gateway", "mailbox"], "development alone"),
        ("development", ["back-gateway"], "mailbox does not run"),
    ],
)
def test_another_stack_gets_nothing(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    environment: str,
    running: list[str],
    said: str,
) -> None:
    def topology(*_: object) -> Topology:
        whole = load(ROOT / "docker-compose.yml", {})
        api = whole.services["back-api"]
        changed = api.model_copy(
            update={"environment": {**api.environment, "ENVIRONMENT": environment}}
        )
        return whole.model_copy(update={"services": {**whole.services, "back-api": changed}})

    services = [ServiceState(name, "ready", [PORTS[name]]) for name in running]
    monkeypatch.setattr(control, "ask", lambda *_: StackState("ready", 1, 0, services, []))
    monkeypatch.setattr(seed, "load", topology)
    with pytest.raises(DevError, match=said):
        seed.seed(Stack(tmp_path), Console(file=StringIO()))
