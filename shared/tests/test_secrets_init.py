"""The job `secrets-init`: what it makes in development, and what it refuses to make."""

import json
import os
import stat
from pathlib import Path

import pytest

from shared.secrets_init import (
    SecretsIncomplete,
    SecretsSettings,
    UnknownSecret,
    main,
    make_secrets,
)

OWNERS = (
    "back-api back-auth:jwt,key=mail-tokens back-postgres:password=postgres back-redis:acl=valkey"
)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SecretsSettings:
    for engine in ("postgres", "valkey"):
        (tmp_path / "data" / engine).mkdir(parents=True)
    monkeypatch.setenv("ENVIRONMENT", "development")
    monkeypatch.setenv("SECRETS_ROOT", str(tmp_path / "secrets"))
    monkeypatch.setenv("PUBLIC_KEYS_DIR", str(tmp_path / "public"))
    monkeypatch.setenv("ENGINE_DATA_ROOT", str(tmp_path / "data"))
    monkeypatch.setenv("SECRET_OWNERS", OWNERS)
    return SecretsSettings()


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def everything(settings: SecretsSettings) -> tuple[dict[str, bytes], dict[str, bytes]]:
    return contents(settings.secrets_root), contents(settings.public_keys_dir)


class TestDevelopment:
    def test_each_folder_belongs_to_an_owner(self, settings: SecretsSettings) -> None:
        (settings.secrets_root / "back-reports").mkdir(parents=True)
        make_secrets(settings)
        assert (settings.secrets_root / "back-reports" / "identity.key").exists()
        assert (settings.public_keys_dir / "back-reports.pem").exists()

    def test_a_folder_of_several_services_has_keys_and_no_identity(
        self, settings: SecretsSettings
    ) -> None:
        owners = {"secret_owners": "front:group,key=front-gateway"}
        make_secrets(settings.model_copy(update=owners))
        assert [*contents(settings.secrets_root)] == ["front/front-gateway.key"]
        assert not (settings.public_keys_dir / "front.pem").exists()

    def test_an_empty_folder_of_the_image_without_a_volume_belongs_to_nobody(
        self, settings: SecretsSettings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        unmounted = settings.secrets_root / "back-gateway"
        unmounted.mkdir(parents=True)
        writable = os.access
        monkeypatch.setattr(
            "shared.secrets_init.os.access",
            lambda path, mode: path != unmounted and writable(path, mode),
        )
        make_secrets(settings)
        assert not any(unmounted.iterdir())

    def test_each_owner_gets_its_own(self, settings: SecretsSettings) -> None:
        make_secrets(settings)
        made = contents(settings.secrets_root)
        names = sorted(name for name in made if "/jwt/" not in name)
        assert names == [
            "back-api/identity.key",
            "back-auth/identity.key",
            "back-auth/mail-tokens.key",
            "back-postgres/identity.key",
            "back-postgres/postgres.password",
            "back-redis/identity.key",
            "back-redis/valkey.acl",
            "back-redis/valkey.password",
        ]
        assert sum("back-auth/jwt/" in name for name in made) == 1
        assert set(contents(settings.public_keys_dir)) == {
            f"{owner}.pem" for owner in ("back-api", "back-auth", "back-postgres", "back-redis")
        }
        password = made["back-redis/valkey.password"]
        assert len(password) == 43
        assert password not in made["back-redis/valkey.acl"]

    def test_what_exists_is_not_touched(self, settings: SecretsSettings) -> None:
        make_secrets(settings)
        before = everything(settings)
        make_secrets(settings)
        assert everything(settings) == before

    def test_only_what_is_missing_is_made(self, settings: SecretsSettings) -> None:
        make_secrets(settings)
        before = contents(settings.secrets_root)
        (settings.secrets_root / "back-postgres/postgres.password").unlink()
        make_secrets(settings)
        after = contents(settings.secrets_root)
        changed = {name for name in after if after[name] != before[name]}
        assert changed == {"back-postgres/postgres.password"}

    def test_an_access_list_is_made_again_from_its_password(
        self, settings: SecretsSettings
    ) -> None:
        make_secrets(settings)
        before = everything(settings)
        (settings.engine_data_root / "valkey" / "appendonlydir").mkdir()
        (settings.secrets_root / "back-redis/valkey.acl").unlink()
        make_secrets(settings)
        assert everything(settings) == before

    def test_keys_are_for_their_owner_alone(self, settings: SecretsSettings) -> None:
        make_secrets(settings)
        for path in settings.secrets_root.rglob("*"):
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode & 0o007 == 0, path
            if path.suffix == ".key" or path.parent.name == "jwt":
                assert mode == 0o600, path

    def test_an_unknown_kind_is_an_error(
        self, settings: SecretsSettings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SECRET_OWNERS", "back-api:diamond")
        with pytest.raises(UnknownSecret, match="diamond"):
            make_secrets(SecretsSettings())


class TestObstacles:
    """Where one secret may not be made, none is."""

    def refused(self, settings: SecretsSettings) -> str:
        before = everything(settings)
        with pytest.raises(SecretsIncomplete) as refused:
            make_secrets(settings)
        assert everything(settings) == before
        return str(refused.value)

    @pytest.mark.parametrize(
        "owner, engine", [("back-postgres", "postgres"), ("back-redis", "valkey")]
    )
    def test_no_new_password_beside_existing_data(
        self, settings: SecretsSettings, owner: str, engine: str
    ) -> None:
        (settings.engine_data_root / engine / "data").touch()
        said = self.refused(settings)
        assert f"{settings.secrets_root}/{owner}/{engine}.password is missing" in said
        assert f"{engine} has data" in said

    def test_data_that_only_the_engine_may_read_counts_as_data(
        self, settings: SecretsSettings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Root reads every folder, so that the refusal of the file system is played here.
        def refuse(_: Path) -> None:
            raise PermissionError

        monkeypatch.setattr(Path, "iterdir", refuse)
        assert "postgres has data" in self.refused(settings)

    def test_the_empty_folders_of_an_image_are_no_data(self, settings: SecretsSettings) -> None:
        (settings.engine_data_root / "postgres/18/docker").mkdir(parents=True)
        make_secrets(settings)
        (settings.secrets_root / "back-postgres/postgres.password").unlink()
        (settings.engine_data_root / "postgres/18/docker/PG_VERSION").touch()
        assert "postgres has data" in self.refused(settings)

    def test_no_password_where_the_data_can_not_be_seen(self, settings: SecretsSettings) -> None:
        (settings.engine_data_root / "postgres").rmdir()
        assert f"{settings.engine_data_root}/postgres is not mounted" in self.refused(settings)

    @pytest.mark.parametrize("gone, left", [("private", "public"), ("public", "private")])
    def test_no_half_of_a_key_pair(self, settings: SecretsSettings, gone: str, left: str) -> None:
        make_secrets(settings)
        halves = {
            "private": settings.secrets_root / "back-api/identity.key",
            "public": settings.public_keys_dir / "back-api.pem",
        }
        halves[gone].unlink()
        said = self.refused(settings)
        assert f"{halves[gone]} is missing" in said
        assert f"{halves[left]} exists" in said


class TestProduction:
    @pytest.fixture(params=["production", "test", None])
    def elsewhere(
        self,
        request: pytest.FixtureRequest,
        settings: SecretsSettings,
        monkeypatch: pytest.MonkeyPatch,
    ) -> SecretsSettings:
        """The settings with an environment that is not development; None stands for unset."""
        if request.param is None:
            monkeypatch.delenv("ENVIRONMENT")
        else:
            monkeypatch.setenv("ENVIRONMENT", request.param)
        return SecretsSettings()

    def test_nothing_is_made_and_everything_missing_is_named(
        self, elsewhere: SecretsSettings
    ) -> None:
        with pytest.raises(SecretsIncomplete) as refused:
            make_secrets(elsewhere)
        assert everything(elsewhere) == ({}, {})
        for name in (
            "back-api/identity.key",
            "back-auth/jwt/<kid>.pem",
            "back-postgres/postgres.password",
            "back-redis/valkey.acl",
        ):
            assert f"{elsewhere.secrets_root}/{name}" in str(refused.value)
        assert f"{elsewhere.public_keys_dir}/back-api.pem" in str(refused.value)

    def test_it_is_content_where_all_is_there(
        self, settings: SecretsSettings, elsewhere: SecretsSettings
    ) -> None:
        make_secrets(settings)
        before = everything(settings)
        make_secrets(elsewhere)
        assert everything(settings) == before


@pytest.mark.usefixtures("settings")
class TestCommand:
    def test_it_ends_with_0_when_all_is_there(self) -> None:
        assert main() == 0

    def test_it_ends_with_1_and_names_what_is_missing(
        self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("ENVIRONMENT", "production")
        assert main() == 1
        line = json.loads(capfd.readouterr().out.splitlines()[-1])
        assert line["event"] == "secrets_incomplete"
        assert "identity.key" in line["reason"]
