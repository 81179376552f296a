"""The service `shared`: secrets made once, and the contracts for whoever asks."""

import stat
from pathlib import Path

import pytest

from shared.secrets_init import UnknownSecret, VaultSettings, app, make_secrets
from shared.testing.service import running

OWNERS = "back-api back-auth:jwt back-postgres:password=postgres back-redis:acl=valkey"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VaultSettings:
    monkeypatch.setenv("SECRETS_ROOT", str(tmp_path / "vault"))
    monkeypatch.setenv("PUBLIC_KEYS_DIR", str(tmp_path / "public"))
    monkeypatch.setenv("VAULT_OWNERS", OWNERS)
    return VaultSettings()


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class TestSecrets:
    def test_each_owner_gets_its_own(self, settings: VaultSettings) -> None:
        make_secrets(settings)
        vault = contents(settings.secrets_root)
        names = sorted(name for name in vault if "/jwt/" not in name)
        assert names == [
            "back-api/identity.key",
            "back-auth/identity.key",
            "back-postgres/identity.key",
            "back-postgres/postgres.password",
            "back-redis/identity.key",
            "back-redis/valkey.acl",
            "back-redis/valkey.password",
        ]
        assert sum("back-auth/jwt/" in name for name in vault) == 1
        assert set(contents(settings.public_keys_dir)) == {
            f"{owner}.pem" for owner in ("back-api", "back-auth", "back-postgres", "back-redis")
        }
        password = vault["back-redis/valkey.password"]
        assert len(password) == 43
        assert password not in vault["back-redis/valkey.acl"]

    def test_what_exists_is_never_touched(self, settings: VaultSettings) -> None:
        make_secrets(settings)
        before = contents(settings.secrets_root), contents(settings.public_keys_dir)
        make_secrets(settings)
        assert (contents(settings.secrets_root), contents(settings.public_keys_dir)) == before

    def test_only_what_is_missing_is_made(self, settings: VaultSettings) -> None:
        make_secrets(settings)
        before = contents(settings.secrets_root)
        (settings.secrets_root / "back-postgres/postgres.password").unlink()
        make_secrets(settings)
        after = contents(settings.secrets_root)
        changed = {name for name in after if after[name] != before[name]}
        assert changed == {"back-postgres/postgres.password"}

    def test_keys_are_for_their_owner_alone(self, settings: VaultSettings) -> None:
        make_secrets(settings)
        for path in settings.secrets_root.rglob("*"):
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode & 0o007 == 0, path
            if path.name == "identity.key" or path.parent.name == "jwt":
                assert mode == 0o600, path

    def test_an_unknown_kind_is_an_error(
        self, settings: VaultSettings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("VAULT_OWNERS", "back-api:diamond")
        with pytest.raises(UnknownSecret, match="diamond"):
            make_secrets(VaultSettings())


@pytest.mark.usefixtures("settings")
class TestServes:
    async def test_the_contracts(self) -> None:
        async with running(app()) as client:
            index = (await client.get("/contracts")).json()
            text = (await client.get("/contracts/profile")).text
            unknown = await client.get("/contracts/nothing")
            assert (await client.get("/health/ready")).status == 200
        assert "profile" in index["contracts"]  # type: ignore[operator]
        assert text.startswith("name: profile\n")
        assert (unknown.status, unknown.json()["code"]) == (404, "contract_not_found")
