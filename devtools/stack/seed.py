"""`./dev seed`: demo accounts and data for a development stack, through its public API alone."""

import http.client
import json
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlencode
from uuid import UUID

import yaml
from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter
from rich.console import Console
from rich.table import Table

from devtools.stack import back_api_command, control
from devtools.stack.topology import load
from devtools.workspace.errors import DevError
from devtools.workspace.repository import COMPOSE_FILE, Stack

DEMO = Path(__file__).with_name("demo.yaml")

_HOST = "127.0.0.1"
_WITHIN = 30.0  # seconds, for a mail and for what is limited or not ready yet
_POLL = 0.1
_TOKEN = re.compile(r"[?&]token=([\w.-]+)")

Body = dict[str, JsonValue]


class Entry(BaseModel):
    """A part of demo.yaml; an unknown key is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DemoTool(Entry):
    """A tool; `users` are the addresses of those whom `except` and `only` list."""

    name: str
    summary: str
    category: str
    icon: str
    url: str
    access: Literal["all", "except", "only"] = "all"
    roles: list[str] = []
    users: list[str] = []


class DemoPerson(Entry):
    """A user; `favourites` and `launches` are names of tools, the latter in order."""

    email: str
    profile: dict[str, str]
    favourites: list[str]
    launches: list[str]
    notifications: list[dict[str, str]]
    suspended: bool = False


class Demo(Entry):
    """All of demo.yaml. The password is everybody's; a mail to `refused` is a dead letter."""

    password: str
    admin: str
    refused: str
    tools: list[DemoTool]
    people: list[DemoPerson]


class _Refused(Exception):
    def __init__(self, status: int, what: str) -> None:
        self.status = status
        super().__init__(what)


class Api:
    """JSON over HTTP at one port of this machine, as whoever `token` names."""

    def __init__(self, port: int, token: str = "") -> None:
        self._port = port
        self._token = token

    def logged_in(self, email: str, password: str) -> "Api":
        """Raises _Refused for a wrong password."""
        body: Body = {"email": email, "password": password}
        return Api(self._port, str(self.call("POST", "/auth/login", body)["access_token"]))

    def call(self, method: str, path: str, body: Body | None = None, key: str = "") -> Body:
        """The answer, {} for an empty one; `key` makes a repeat harmless.

        What is limited or not ready yet is asked again for a while.

        Raises:
            _Refused: the answer is another error.
            DevError: nothing answers.
        """
        deadline = time.monotonic() + _WITHIN
        while True:
            status, retry_after, text = self._ask(method, path, body, key)
            if status < 400:
                return TypeAdapter(Body).validate_json(text) if text else {}
            if status not in {429, 503} or time.monotonic() + retry_after > deadline:
                raise _Refused(status, f"{method} {path} answers {status}: {text}")
            time.sleep(retry_after)

    def items(self, path: str, **query: str) -> list[Body]:
        """The first page of a list."""
        found = self.call("GET", f"{path}?{urlencode({'limit': 200, **query})}")["items"]
        return TypeAdapter(list[Body]).validate_python(found)

    def _ask(self, method: str, path: str, body: Body | None, key: str) -> tuple[int, float, str]:
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if key:
            headers["Idempotency-Key"] = key
        connection = http.client.HTTPConnection(_HOST, self._port, timeout=_WITHIN)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            reply = connection.getresponse()
            retry_after = reply.getheader("Retry-After", "1")
            return reply.status, float(retry_after), reply.read().decode()
        except OSError as error:
            raise DevError(f"nothing answers at {_HOST}:{self._port}: {error}") from None
        finally:
            connection.close()


def seed(stack: Stack, console: Console) -> str:
    """Bring what demo.yaml says into the stack; what is there stays. The password of its accounts.

    Raises DevError where there is no stack of development, or where it refuses something.
    """
    demo = Demo.model_validate(yaml.safe_load(DEMO.read_text()))
    state = control.ask(stack.control, control.Request("status"))
    topology = load(COMPOSE_FILE, os.environ)
    if topology.services["back-api"].environment.get("ENVIRONMENT") != "development":
        raise DevError("demo data is for development alone: ENVIRONMENT says something else")
    ports = {it.name: it.ports[0] for it in state.services if it.ports}
    for name in ("back-gateway", "mailbox"):
        if name not in ports:
            raise DevError(f"{name} does not run; ./dev seed needs it")
    try:
        Seeding(stack, demo, Api(ports["back-gateway"]), Api(ports["mailbox"])).run()
    except _Refused as refused:
        raise DevError(f"the stack refused demo data: {refused}") from None
    console.print(_accounts(demo))
    console.print(f"The password of each: {demo.password}")
    return demo.password


class Seeding:
    """One run, over the gateway and the mailbox."""

    def __init__(self, stack: Stack, demo: Demo, gateway: Api, mailbox: Api) -> None:
        self._stack = stack
        self._demo = demo
        self._gateway = gateway
        self._mailbox = mailbox

    def run(self) -> None:
        admin = self._admin()
        ids = {person.email: self._user(admin, person.email) for person in self._demo.people}
        tools = self._tools(admin, ids)
        for person in self._demo.people:
            if self._is_active(admin, ids[person.email]):
                self._live(admin, person, ids[person.email], tools)
        admin.call("POST", "/api/admin/exports/users", key="seed")
        if not admin.items("/api/admin/events", state="dead", type="user.registered"):
            self._register(self._demo.refused)
        admin.call("POST", "/auth/logout")

    def _admin(self) -> Api:
        try:
            admin = self._gateway.logged_in(self._demo.admin, self._demo.password)
            if admin.call("GET", "/api/users/me")["role"] == "admin":
                return admin
        except _Refused as refused:
            if refused.status != 401:
                raise
        arguments = [self._demo.admin, "--password-stdin"]
        module = "features.user_administration"
        if back_api_command.run(self._stack, module, arguments, given=self._demo.password):
            raise DevError(f"{self._demo.admin} could not be made an admin")
        return self._gateway.logged_in(self._demo.admin, self._demo.password)

    def _user(self, admin: Api, email: str) -> UUID:
        """The id of the user, who is registered and confirmed where there is none."""
        found = admin.items("/api/admin/users", search=email)
        if found:
            return UUID(str(found[0]["id"]))
        self._register(email)
        body: Body = {"token": self._mailed_token(email), "password": self._demo.password}
        return UUID(str(self._gateway.call("POST", "/auth/verify-email", body)["user_id"]))

    def _register(self, email: str) -> None:
        body: Body = {"email": email, "password": self._demo.password, "accept_terms": True}
        self._gateway.call("POST", "/api/user-registration", body)

    def _mailed_token(self, email: str) -> str:
        deadline = time.monotonic() + _WITHIN
        while time.monotonic() < deadline:
            path = f"/api/v1/search?query={quote(email)}"
            for mail in TypeAdapter(list[Body]).validate_python(
                self._mailbox.call("GET", path)["messages"]
            ):
                text = str(self._mailbox.call("GET", f"/api/v1/message/{mail['ID']}")["Text"])
                if token := _TOKEN.search(text):
                    return token[1]
            time.sleep(_POLL)
        raise DevError(f"no mail with a link came to {email} within {_WITHIN:g} s")

    def _tools(self, admin: Api, ids: dict[str, UUID]) -> dict[str, str]:
        """The id of each tool by its name; missing ones are created."""
        known = {str(it["name"]): str(it["id"]) for it in admin.items("/api/admin/tools")}
        for tool in self._demo.tools:
            if tool.name not in known:
                body: Body = tool.model_dump(exclude={"users"})
                body["user_ids"] = [str(ids[email]) for email in tool.users]
                made = admin.call("POST", "/api/admin/tools", body)
                known[tool.name] = str(made["id"])
        return known

    def _is_active(self, admin: Api, user_id: UUID) -> bool:
        return admin.call("GET", f"/api/admin/users/{user_id}")["status"] == "active"

    def _live(self, admin: Api, person: DemoPerson, user_id: UUID, tools: dict[str, str]) -> None:
        """What the person does, and what is done to them. Keys make repeats harmless."""
        user = self._gateway.logged_in(person.email, self._demo.password)
        try:
            user.call("GET", "/api/profile")
        except _Refused:
            user.call("POST", "/api/profile", {**person.profile}, key="seed")
        for name in person.favourites:
            user.call("PUT", f"/api/tools/{tools[name]}/favourite")
        for number, name in enumerate(person.launches):
            user.call("POST", f"/api/tools/{tools[name]}/launch", key=f"seed-{number}")
        for number, message in enumerate(person.notifications):
            path = f"/api/admin/users/{user_id}/notify"
            admin.call("POST", path, {**message}, key=f"seed-{number}")
        user.call("POST", "/auth/logout")
        if person.suspended:
            admin.call("PATCH", f"/api/admin/users/{user_id}", {"status": "suspended"})


def _accounts(demo: Demo) -> Table:
    table = Table("account", "what", box=None, header_style="bold")
    rows: Sequence[tuple[str, str]] = [
        (demo.admin, "admin"),
        *(
            (it.email, "suspended" if it.suspended else it.profile.get("job_title", "user"))
            for it in demo.people
        ),
    ]
    for email, what in rows:
        table.add_row(email, what)
    return table
