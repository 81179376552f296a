"""Each failure of ./dev contracts check, seen in a copy that is broken on purpose."""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from devtools import environments
from devtools.contracts import (
    check,
    code,
    compare,
    diff,
    documents,
    generated,
    graph,
    running,
    stub,
)
from devtools.contracts.cli import app
from devtools.errors import DevError
from devtools.repository import ROOT
from devtools.tests.contract_tree import Copy

PROFILE = "shared/contracts/profile/feature.yaml"
SESSIONS = "shared/contracts/sessions/feature.yaml"
GENERATED = (
    "constants.json",
    "asyncapi.json",
    "types.ts",
    "openapi/back-api.json",
    "schemas/user.User.json",
    "tables.json",
)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    made = Copy.of_the_repository(tmp_path_factory.mktemp("original"))
    generated.sync(made.root, made.tree().texts)
    return made


@pytest.fixture
def copy(original: Copy, tmp_path: Path) -> Copy:
    return original.again(tmp_path / "copy")


def said(copy: Copy) -> str:
    return "\n".join(map(str, check.static(copy.tree(), None).wrong))


def synced(copy: Copy, against: str) -> check.Outcome:
    """What is left to mend after a sync."""
    tree = copy.tree()
    generated.sync(tree.root, tree.texts)
    return check.static(tree, against)


class TestGeneratedFiles:
    def test_a_copy_as_it_is_holds(self, copy: Copy) -> None:
        assert said(copy) == ""

    def test_a_second_sync_writes_nothing(self, copy: Copy) -> None:
        assert generated.sync(copy.root, copy.tree().texts) == generated.Changes([], [])

    def test_a_hand_in_a_generated_file_is_named(self, copy: Copy) -> None:
        paths = [
            Path("back-postgres/features/profile/feature.yaml"),
            *(Path("shared/contracts") / name for name in GENERATED),
        ]
        before = {path: (copy.root / path).read_text() for path in paths}
        for path in paths[:-1]:
            (copy.root / path).write_text(before[path] + "\n")
        (copy.root / paths[-1]).unlink()
        text = said(copy)
        for path in paths:
            assert f"{path}: differs from the contracts and models: run ./dev contracts" in text
        changes = generated.sync(copy.root, copy.tree().texts)
        assert set(changes.written) == set(paths)
        assert {path: (copy.root / path).read_text() for path in paths} == before

    def test_a_feature_that_ends_takes_its_files_along(self, copy: Copy) -> None:
        shutil.rmtree(copy.root / "shared/contracts/maintenance")
        left = "back-workers/features/maintenance/feature.yaml"
        assert f"{left}: no contract asks for it any more" in said(copy)
        changes = generated.sync(copy.root, copy.tree().texts)
        assert Path(left) in changes.removed
        assert not (copy.root / left).parent.exists()
        assert said(copy) == ""

    def test_a_new_contract_needs_no_implementation(self, copy: Copy) -> None:
        folder = copy.root / "shared/contracts/wishlist"
        folder.mkdir()
        text = (copy.root / PROFILE).read_text().replace("name: profile", "name: wishlist")
        text = text.partition("events:")[0].replace("profile\n", "wishlist\n")
        (folder / "feature.yaml").write_text(text.replace("/profiles", "/wishlists"))
        generated.sync(copy.root, copy.tree().texts)
        assert said(copy) == ""
        openapi = (copy.root / "shared/contracts/openapi/back-api.json").read_text()
        assert '"/api/wishlist"' in openapi
        assert (copy.root / "back-api/features/wishlist/feature.yaml").exists()


class TestContracts:
    @pytest.mark.parametrize(
        "path,old,new,place,message",
        [
            (
                PROFILE,
                "model: profile.Profile}",
                "model: profile.Nobody}",
                "response: {status: 201",
                "shared/models/profile.py has no Nobody",
            ),
            (
                PROFILE,
                "event.Command[profile.WriteProfile]",
                "event.Command",
                "request: event.Command\n",
                "needs the model it holds",
            ),
            (
                PROFILE,
                "callers: [back-api]",
                "callers: [back-auth]",
                "callers: [back-auth]",
                "back-auth is not among services",
            ),
            (
                PROFILE,
                '    - back-postgres: ">=1.0.0"\n',
                "",
                "callers: [back-api]",
                "back-api calls back-postgres without depending on it",
            ),
            (
                PROFILE,
                'back-postgres: ">=1.0.0"',
                'back-postgres: ">=2.0.0"',
                'back-postgres: ">=2.0.0"',
                "back-api needs back-postgres >=2.0.0, and back-postgres/pyproject.toml says 1.0.0",
            ),
            (
                PROFILE,
                "consumers: [audit, live]",
                "consumers: [audit, fax]",
                "consumers: [audit, fax]",
                "goes to fax, and no contract has such a consumer",
            ),
            (
                PROFILE,
                "method: PATCH",
                "method: GET",
                "method: GET",
                "GET /api/profile of back-api stands in profile already",
            ),
            (
                PROFILE,
                "type: profile.updated",
                "type: profile.created",
                "type: profile.created",
                "profile.created stands in profile already",
            ),
            (
                SESSIONS,
                "parameters: {name: string}",
                "parameters: {nome: string}",
                "nome",
                "the path /streams/{name} has no {nome}",
            ),
            (
                SESSIONS,
                "{role: user.Role}",
                "{role: user.Rank}",
                "user.Rank",
                "user.Rank is neither a plain type nor one of shared/models",
            ),
        ],
    )
    def test_a_mistake_is_named_with_its_line(
        self, copy: Copy, path: str, old: str, new: str, place: str, message: str
    ) -> None:
        copy.replace(path, old, new)
        found = [it for it in said(copy).splitlines() if message in it]
        assert found, said(copy)
        assert found[0].startswith(f"{path}:")
        line = int(found[0].split(":")[1])
        text = (copy.root / path).read_text().splitlines()[line - 1]
        assert place.strip() in text or "service: back-api" in text

    def test_a_cycle_is_an_error_until_it_is_a_callback(self, copy: Copy) -> None:
        path = "shared/contracts/maintenance/feature.yaml"
        copy.replace(path, "  back-workers:\n", '  back-workers:\n    - back-api: ">=1.0.0"\n')
        assert "a cycle: back-" in said(copy)
        assert "under callbacks instead of dependencies" in said(copy)
        copy.replace(path, '    - back-api: ">=1.0.0"\n', "")
        callback = "callbacks:\n  - {caller: back-workers, callee: back-api, reason: due}\n\n"
        copy.replace(path, "endpoints:", f"{callback}endpoints:")
        assert "cycle" not in said(copy)

    def test_sync_refuses_what_check_refuses(
        self, copy: Copy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("devtools.contracts.cli.ROOT", copy.root)
        copy.replace(PROFILE, "type: cross-service", "type: neither")
        with pytest.raises(SystemExit) as refused:
            app(["sync"], standalone_mode=False)
        assert refused.value.code == 1
        assert f"{PROFILE}:3: type: " in capsys.readouterr().out


class TestEventsInTheCode:
    DOMAIN = "back-api/features/profile/domain.py"

    @staticmethod
    def said(copy: Copy) -> str:
        tree = copy.tree()
        return "\n".join(map(str, code.broken(tree.root, tree.services, tree.contracts)))

    def test_a_type_that_no_contract_has(self, copy: Copy) -> None:
        copy.replace(self.DOMAIN, '"profile.created"', '"profile.begun"')
        assert f"{self.DOMAIN}:{copy.line(self.DOMAIN, 'NewEvent.of(')}: publishes" in self.said(
            copy
        )
        assert "publishes profile.begun, and no contract has it" in self.said(copy)

    def test_another_payload(self, copy: Copy) -> None:
        copy.replace(self.DOMAIN, "            ProfileCreated(", "            ProfileUpdated(")
        assert "with ProfileUpdated; its contract says profile.ProfileCreated" in self.said(copy)

    def test_another_services_event(self, copy: Copy) -> None:
        copy.replace(self.DOMAIN, '"profile.created"', '"user.verified"')
        assert "publishes user.verified, which is back-auth's to publish" in self.said(copy)

    def test_an_event_that_a_socket_makes(self, copy: Copy) -> None:
        copy.replace("back-websockets/hub.py", '"notifications.resync"', '"notifications.again"')
        assert "makes notifications.again, and no contract has it" in self.said(copy)

    def test_an_event_that_never_comes(self, copy: Copy) -> None:
        path = "back-workers/mailing/mails.py"
        copy.replace(path, '"user.registered"', '"user.welcomed"')
        assert "waits for user.welcomed, and no contract brings it to back-workers" in self.said(
            copy
        )

    def test_deliveries_that_nobody_takes(self, copy: Copy) -> None:
        path = "back-workers/relay/consumers.py"
        copy.replace(path, 'Consumer("live"', 'Consumer("lively"')
        assert "delivers to lively, and no contract has such a consumer" in self.said(copy)
        assert "nobody takes what goes to live: back-workers has no Consumer('live', …)" in said(
            copy
        )


class TestAgainstARevision:
    def test_an_addition_asks_for_a_minor_version(self, copy: Copy) -> None:
        revision = copy.commit()
        copy.replace(
            "shared/contracts/audit/feature.yaml",
            "      before: {type: string, max_length: 200}",
            "      before: {type: string, max_length: 200}\n      after: string",
        )
        outcome = synced(copy, revision)
        assert outcome.wrong == []
        (asked,) = map(str, outcome.asked)
        assert asked.startswith("shared/contracts/audit/feature.yaml:2: additions ask for version")
        assert "query after is new" in asked

    @pytest.mark.parametrize(
        "path,old,new,message,consumer",
        [
            (
                SESSIONS,
                "path: /limits/refill",
                "path: /limits/fill",
                "POST /limits/refill of back-redis is gone",
                "back-auth",
            ),
            (
                SESSIONS,
                "callers: [back-api, back-auth, back-websockets]",
                "callers: [back-api, back-auth]",
                "may no longer be called by back-websockets",
                "back-websockets",
            ),
            (
                "shared/contracts/audit/feature.yaml",
                "      user_id: uuid\n",
                "      user_id: {type: uuid, required: true}\n",
                "query user_id is required now",
                "browsers",
            ),
            (
                "shared/contracts/email-auth/feature.yaml",
                "response: {status: 201, model: auth.StoredMailToken}",
                "response: {status: 200, model: auth.StoredMailToken}",
                "answers 200, not 201",
                "back-auth",
            ),
            (
                PROFILE,
                "publisher: back-api\n    consumers: [audit, live]",
                "publisher: back-api\n    consumers: [audit]",
                "no longer carries profile.created",
                "browsers",
            ),
            (
                PROFILE,
                "name_max_length: 100",
                "name_max_length: 50",
                "numbers of profile.name_max_length is 50, was 100",
                "back-postgres",
            ),
            (
                "shared/contracts/maintenance/feature.yaml",
                "    permission: maintenance:run\n",
                "    permission: maintenance:start\n",
                "asks for",
                "browsers",
            ),
        ],
    )
    def test_what_breaks_is_named_with_its_consumers(
        self, copy: Copy, path: str, old: str, new: str, message: str, consumer: str
    ) -> None:
        revision = copy.commit()
        copy.replace(path, old, new)
        text = "\n".join(map(str, synced(copy, revision).wrong))
        assert message in text
        assert f"  breaks {consumer}: " in text
        assert "is due: consumers break" in text

    def test_a_major_version_makes_it_pass(self, copy: Copy) -> None:
        revision = copy.commit()
        copy.replace(SESSIONS, "path: /limits/refill", "path: /limits/fill")
        (_, due) = map(str, synced(copy, revision).wrong)
        assert due == f"{SESSIONS}:2: version 2.0.0 is due: consumers break"
        copy.replace(SESSIONS, "version: 1.", "version: 2.")
        assert synced(copy, revision).wrong == []

    def test_a_revision_without_documents_is_refused_in_one_line(self, copy: Copy) -> None:
        copy.commit()
        with pytest.raises(DevError, match="nowhere has no contracts to compare with"):
            documents.at(copy.root, "nowhere")
        shutil.rmtree(copy.root / "shared/contracts/openapi")
        (copy.root / "shared/contracts/tables.json").unlink()
        copy.commit()
        with pytest.raises(DevError, match="no documents made from them"):
            documents.at(copy.root, "HEAD")

    def test_the_last_release_is_the_last_tag_else_the_first_documents(self, copy: Copy) -> None:
        assert documents.last_release(copy.root) is None
        copy.commit()
        first = documents.last_release(copy.root)
        assert first is not None
        copy.replace(SESSIONS, "path: /limits/refill", "path: /limits/fill")
        copy.commit()
        assert documents.last_release(copy.root) == first
        subprocess.run(["git", "tag", "v1.2.0"], cwd=copy.root, check=True)
        assert documents.last_release(copy.root) == "v1.2.0"


class TestModels:
    """A model that changes, as the generated files tell of it."""

    @staticmethod
    def verdict(*replaced: tuple[str, str]) -> compare.Verdict:
        tree = check.Tree(ROOT)
        texts = dict(tree.texts)
        for old, new in replaced:
            texts = {path: text.replace(old, new) for path, text in texts.items()}
        return compare.verdict(tree.documents, documents.Documents.of(texts), tree.contracts)

    def test_nothing_changed(self) -> None:
        assert self.verdict() == compare.Verdict([], [], [])

    def test_a_field_of_a_payload_that_goes_breaks_who_consumes_the_event(self) -> None:
        found = self.verdict(('"changed"', '"fields"'))
        said = "\n".join(map(str, found.breaks))
        assert "ProfileUpdated.changed is gone, renamed to fields?" in said
        assert "breaks back-cassandra: profile.updated (profile)" in said
        assert "ProfileUpdated.fields is new and required" in said, "old events lie in the store"
        due = "\n".join(map(str, found.versions))
        assert "pyproject.toml: shared 2.0.0 is due" in due
        assert 'shared: ">=2.0.0" is due for back-api, back-postgres: now they take 1.0.0' in due

    def test_an_event_that_goes_breaks_who_consumes_it(self) -> None:
        found = self.verdict(('"user.verified"', '"user.confirmed"'))
        said = "\n".join(map(str, found.breaks))
        assert "user.verified is gone" in said
        assert "breaks back-cassandra: user.verified (email-auth)" in said

    def test_another_version_of_an_event_breaks(self) -> None:
        found = self.verdict(('"const": 1\n', '"const": 2\n'))
        said = "\n".join(map(str, found.breaks))
        assert "user.verified.version no longer takes 1" in said
        assert "breaks back-cassandra: user.verified (email-auth)" in said

    def test_a_constant_of_shared_breaks_everybody(self) -> None:
        found = self.verdict(('"JWT_EXPIRATION": 900', '"JWT_EXPIRATION": 60'))
        (broken,) = found.breaks
        assert str(broken).startswith("shared/security/constants.py: JWT_EXPIRATION is 60, was 900")
        assert "breaks back-websockets: JWT_EXPIRATION (shared)" in broken.what
        assert [it.what for it in found.versions] == ["shared 2.0.0 is due: consumers break"]

    def test_a_new_code_of_an_error_asks_for_a_minor_version(self) -> None:
        found = self.verdict(('"email_taken": {', '"email_taken": {}, "email_odd": {'))
        assert found.breaks == []
        assert "may fail with 409 email_odd now" in found.additions[0].what


class TestARenamedField:
    """The models are imported, so each look is a process of its own."""

    def check(self, copy: Copy, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "devtools.contracts", *arguments],
            cwd=copy.root,
            env={**os.environ, "PYTHONPATH": str(copy.root), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def test_every_consumer_is_named_and_the_major_version_lets_it_pass(self, copy: Copy) -> None:
        ignored = shutil.ignore_patterns("tests", "__pycache__", ".*")
        shutil.copytree(ROOT / "devtools", copy.root / "devtools", ignore=ignored)
        copy.commit()
        copy.replace(
            "shared/models/user.py",
            "    email: EmailAddress\n    role: Role\n    status",
            "    mail: EmailAddress\n    role: Role\n    status",
        )

        started = time.monotonic()
        first = self.check(copy, "check", "--quick", "--against", "HEAD")
        assert time.monotonic() - started < 10
        assert first.returncode == 1
        line = copy.line("shared/models/user.py", "class User(")
        assert f"shared/models/user.py:{line}: User.email is gone, renamed to mail?" in first.stdout
        for consumer in ("back-api", "back-auth", "back-workers"):
            assert f"  breaks {consumer}: " in first.stdout
        assert "shared/contracts/schemas/user.User.json: differs" in first.stdout

        assert self.check(copy, "sync").returncode == 0
        after_sync = self.check(copy, "check", "--quick", "--against", "HEAD")
        assert after_sync.returncode == 1, "sync alone mends nothing"
        assert "pyproject.toml: shared 2.0.0 is due" in after_sync.stdout

        copy.replace("pyproject.toml", 'version = "1.0.0"', 'version = "2.0.0"')
        for name in ("user-registration", "email-auth"):
            path = f"shared/contracts/{name}/feature.yaml"
            copy.replace(path, "version: 1.", "version: 2.")
            text = (copy.root / path).read_text()
            raised = text.replace('shared: ">=1.0.0"', 'shared: ">=2.0.0"')
            (copy.root / path).write_text(raised)
        assert self.check(copy, "sync").returncode == 0
        last = self.check(copy, "check", "--quick", "--against", "HEAD")
        assert (last.returncode, last.stdout) == (
            0,
            "The contracts hold, and break nothing of HEAD.\n",
        )


@contextmanager
def served(api: FastAPI) -> Iterator[str]:
    """The address of `api`, served from a thread."""
    server = uvicorn.Server(uvicorn.Config(api, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + 10
        while not server.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


class TestRealApps:
    @pytest.fixture(autouse=True)
    def own_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def sync(_: str) -> Path:
            return Path(sys.prefix)

        monkeypatch.setattr(environments, "sync", sync)

    @staticmethod
    async def differences(copy: Copy) -> str:
        tree = copy.tree()
        tree.__dict__["services"] = {"back-api": "1.0.0"}
        return "\n".join(map(str, await check.of_services(tree)))

    API = "back-api/features/profile/api.py"

    async def test_the_real_app_is_as_agreed(self, copy: Copy) -> None:
        assert await self.differences(copy) == ""

    async def test_routes_that_differ(self, copy: Copy) -> None:
        copy.replace(self.API, '@routes.get("")', '@routes.get("/mine")')
        copy.replace(self.API, "status_code=201", "status_code=200")
        copy.replace(self.API, "ProfileUpdate, user: CurrentUser", "ProfileUpdate, user: str")
        copy.replace(self.API, "body: ProfileCreate,", "body: ProfileUpdate,")
        text = await self.differences(copy)
        for message in (
            "GET /api/profile is missing: shared/contracts/openapi/back-api.json has it",
            "GET /api/profile/mine is in no contract",
            "POST /api/profile: /answers/201 is missing",
            "POST /api/profile: /answers/200 is in no contract",
            "POST /api/profile: /body/application/json/required is missing",
            "PATCH /api/profile: /auth should be [{'user': []}], and is []",
            "PATCH /api/profile: /parameters/query user is in no contract",
        ):
            assert f"back-api/main.py: {message}" in text

    async def test_an_app_that_cannot_be_made_is_named(self, copy: Copy) -> None:
        copy.replace("back-api/main.py", "settings = Settings()", "raise ValueError('no')")
        with pytest.raises(
            DevError, match=r"back-api/main.py: app\(\) can't be made: ValueError: no"
        ):
            await self.differences(copy)

    async def test_diff_shows_slice_and_document(self, copy: Copy) -> None:
        copy.replace(self.API, "status_code=201", "status_code=200")
        slice_ = "back-api/features/profile/feature.yaml"
        copy.replace(slice_, "method: PATCH", "method: PUT")
        tree = copy.tree()
        tree.__dict__["services"] = {"back-api": "1.0.0"}
        lines = await diff.lines(tree, "profile")
        assert lines[1] == "back-api: differs"
        assert "  -    method: PATCH" in lines
        assert any("POST /api/profile: /answers/201 is missing" in line for line in lines)
        assert lines[-1] == "back-postgres: has no code yet"
        with pytest.raises(DevError, match="there is no contract wishes; there are: audit"):
            await diff.lines(tree, "wishes")


class TestARunningStack:
    def test_a_stack_of_this_checkout_holds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(running, "LOCAL", set())
        here = check.Tree(ROOT)
        plain = [file.contract for file in here.contracts.values()]
        with served(stub.service("back-api", here.services["back-api"], plain)) as url:
            assert list(running.broken(here, url)) == []

    def test_other_versions_and_routes_are_named(
        self, copy: Copy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(running, "LOCAL", set())
        copy.replace(PROFILE, "version: 1.", "version: 3.")
        copy.replace(PROFILE, "path: /api/profile", "path: /api/my-profile")
        here = check.Tree(ROOT)
        plain = [file.contract for file in here.contracts.values()]
        with served(stub.service("back-api", "0.9.0", plain)) as url:
            found = "\n".join(map(str, running.broken(copy.tree(), url)))
        assert "back-api runs on profile 1." in found
        assert "this checkout has 3." in found
        assert "back-api 0.9.0 runs; this checkout has 1.0.0" in found
        assert "POST /api/my-profile is missing" in found

    def test_something_else_is_refused_in_one_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(running, "LOCAL", set())
        with served(FastAPI()) as url, pytest.raises(DevError, match="/health answers 404"):
            list(running.broken(check.Tree(ROOT), url))
        with pytest.raises(DevError, match="can't be read"):
            list(running.broken(check.Tree(ROOT), "http://127.0.0.1:1"))
        with pytest.raises(DevError, match="--url takes an address"):
            list(running.broken(check.Tree(ROOT), "127.0.0.1:8000"))


Draw = Callable[[graph.Graph], str]


class TestGraph:
    def test_the_order_of_a_release_and_its_reverse(self) -> None:
        drawn = graph.text(graph.of(check.Tree(ROOT).contracts))
        release = next(it for it in drawn.splitlines() if it.startswith("release:"))
        places = [release.index(it) for it in ("shared", "back-postgres", "back-auth", "back-api")]
        assert places == sorted(places)
        rollback = next(it for it in drawn.splitlines() if it.startswith("rollback:"))
        assert rollback.split()[-1] == "shared"
        assert "  calls back-postgres\n    GET /users/{user_id}\n" in drawn
        assert "user.registered (mail)" in drawn

    @pytest.mark.parametrize("draw", [graph.mermaid, graph.svg])
    def test_every_service_is_drawn_and_twice_the_same(self, draw: Draw) -> None:
        contracts = check.Tree(ROOT).contracts
        drawn = draw(graph.of(contracts))
        assert drawn == draw(graph.of(contracts))
        for service in check.Tree(ROOT).services:
            assert service in drawn
