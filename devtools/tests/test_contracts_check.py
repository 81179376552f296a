"""Each failure of ./dev contracts check that one checkout shows, in a copy broken on purpose."""

import shutil
from pathlib import Path

import pytest

from devtools.contracts import (
    check,
    events_in_code,
    feature_folders,
    generated_files,
)
from devtools.contracts.cli import app
from devtools.tests.contract_tree import Copy

PROFILE = "shared/contracts/profile/feature.yaml"
VERIFICATION = "shared/contracts/token-verification/feature.yaml"
GENERATED = (
    "back-postgres/features/profile/feature.yaml",
    "shared/contracts/generated/asyncapi.json",
    "shared/contracts/generated/openapi/back-api.json",
    "shared/kit/contract_registry.json",
)


def said(copy: Copy) -> str:
    return "\n".join(map(str, check.static(copy.tree(), None).wrong))


class TestGeneratedFiles:
    def test_a_copy_as_it_is_holds(self, copy: Copy) -> None:
        assert said(copy) == ""

    def test_a_second_sync_writes_nothing(self, copy: Copy) -> None:
        assert copy.sync() == generated_files.Changes([], [])

    def test_a_hand_in_a_generated_file_is_named(self, copy: Copy) -> None:
        paths = [Path(name) for name in GENERATED]
        before = {path: (copy.root / path).read_text() for path in paths}
        for path in paths[:-1]:
            (copy.root / path).write_text(before[path] + "\n")
        (copy.root / paths[-1]).unlink()
        text = said(copy)
        for path in paths:
            assert f"{path}: differs from the contracts and models: run ./dev contracts" in text
        assert set(copy.sync().written) == set(paths)
        assert {path: (copy.root / path).read_text() for path in paths} == before

    def test_a_feature_that_ends_takes_its_files_along(self, copy: Copy) -> None:
        shutil.rmtree(copy.root / "shared/contracts/maintenance")
        left = "back-workers/features/maintenance/feature.yaml"
        assert f"{left}: no contract asks for it any more" in said(copy)
        changes = copy.sync()
        assert Path(left) in changes.removed
        assert not (copy.root / left).parent.exists()
        assert said(copy) == ""

    def test_a_new_contract_needs_no_implementation(self, copy: Copy) -> None:
        folder = copy.root / "shared/contracts/wishlist"
        folder.mkdir()
        text = (copy.root / PROFILE).read_text().replace("name: profile", "name: wishlist")
        text = text.partition("events:")[0].replace("profile\n", "wishlist\n")
        (folder / "feature.yaml").write_text(text.replace("/profiles", "/wishlists"))
        copy.sync()
        assert said(copy) == ""
        openapi = (copy.root / "shared/contracts/generated/openapi/back-api.json").read_text()
        assert '"/api/wishlist"' in openapi
        assert (copy.root / "back-api/features/wishlist/feature.yaml").exists()


class TestFolders:
    """Features in the code, in services that keep their code by feature."""

    def said(self, copy: Copy) -> str:
        tree = copy.tree()
        return "\n".join(map(str, feature_folders.broken(copy.root, tree.services, tree.contracts)))

    def test_each_feature_has_one_folder(self, copy: Copy) -> None:
        assert self.said(copy) == ""

    def test_code_without_a_contract_is_named(self, copy: Copy) -> None:
        (copy.root / "back-auth/features/jwks").mkdir()
        (copy.root / "back-auth/features/jwks/__init__.py").touch()
        assert "back-auth/features/jwks: no contract jwks has back-auth among" in self.said(copy)

    def test_a_contract_without_code_is_named(self, copy: Copy) -> None:
        (copy.root / "back-api/features/profile/__init__.py").unlink()
        line = copy.line(PROFILE, "name: back-api")
        assert f"{PROFILE}:{line}: back-api takes part, but back-api/feat" in self.said(copy)

    def test_services_that_keep_only_slices_need_no_code(self, copy: Copy) -> None:
        assert not list((copy.root / "back-postgres/features").rglob("*.py"))
        assert "back-postgres" not in self.said(copy)


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
                "    scope: profiles:write\n    callers: [back-api]\n",
                "    auth_required: false\n",
                "- service: back-postgres",
                "lets in everybody. Give it a scope and callers",
            ),
            (
                PROFILE,
                "    path: /api/profile\n",
                "    path: /api/profile\n    priority: critical\n",
                "- service: back-api",
                "is critical, and the gateway sheds it with others",
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
                "shared/contracts/email-auth/feature.yaml",
                "method: POST, path: /limits/refill",
                "method: POST, path: /limits/fill",
                "path: /limits/fill",
                "POST /limits/fill of back-redis has no caller back-auth in any contract",
            ),
            (
                "shared/contracts/email-auth/feature.yaml",
                '    - back-redis: ">=1.0.0"\n',
                "",
                "path: /limits/take",
                "back-auth calls back-redis without depending on it",
            ),
            (
                VERIFICATION,
                "parameters: {name: string}",
                "parameters: {nome: string}",
                "nome",
                "the path /streams/{name} has no {nome}",
            ),
            (
                VERIFICATION,
                "{name: string}",
                "{name: user.Rank}",
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
        return "\n".join(map(str, events_in_code.broken(tree.root, tree.services, tree.contracts)))

    def test_a_type_that_no_contract_has(self, copy: Copy) -> None:
        copy.replace(self.DOMAIN, '"profile.created"', '"profile.begun"')
        line = copy.line(self.DOMAIN, "Command.with_event(")
        assert f"{self.DOMAIN}:{line}: publishes" in self.said(copy)
        assert "publishes profile.begun, and no contract has it" in self.said(copy)

    def test_another_payload(self, copy: Copy) -> None:
        copy.replace(self.DOMAIN, "            ProfileCreated(", "            ProfileUpdated(")
        assert "with ProfileUpdated; its contract says profile.ProfileCreated" in self.said(copy)

    def test_another_services_event(self, copy: Copy) -> None:
        copy.replace(self.DOMAIN, '"profile.created"', '"user.verified"')
        assert "publishes user.verified, which is back-auth's to publish" in self.said(copy)

    def test_an_event_that_a_socket_makes(self, copy: Copy) -> None:
        path = "back-websockets/socket_events.py"
        copy.replace(path, "event_type=event_type", 'event_type="notifications.again"')
        assert "makes notifications.again, and no contract has it" in self.said(copy)

    def test_an_event_that_never_comes(self, copy: Copy) -> None:
        path = "back-workers/mailing/mail_sender.py"
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
