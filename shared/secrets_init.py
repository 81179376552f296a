"""The one-shot job that makes the secrets of a development stack and checks those of any other.

Run as `python -m shared.secrets_init`. Each owner has a folder of its own, so that a service gets
its own secrets and no others; all public keys are in one folder that every service reads.

With `ENVIRONMENT=development` it makes what is missing. It never replaces a file, never makes a
password for an engine that has data already, and never makes one half of a key pair. In any other
environment it makes nothing. It exits with 1 and names what is missing where it can't go on.
"""

import hashlib
import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from jwt.algorithms import RSAAlgorithm
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.kit.runtime.log import configure_logging

log = structlog.get_logger()

RSA_BITS = 2048
_OWNER_ONLY = 0o600
_GROUP_TOO = 0o640  # an engine reads its password through the group of its owner
_FOLDER = 0o750


class UnknownSecret(ValueError):
    """`SECRET_OWNERS` names a kind of secret that does not exist."""


class SecretsIncomplete(Exception):
    """Secrets are missing that may not be made; the text names each file."""


class SecretsSettings(BaseSettings):
    """Each folder of `secrets_root` belongs to one owner, which needs an identity.

    `secret_owners` names what some need besides: with
    `back-auth:jwt,key=mail-tokens back-postgres:password=postgres back-redis:acl=valkey` the folder
    of back-auth gets an RSA key and `mail-tokens.key`, that of back-postgres `postgres.password`,
    that of back-redis `valkey.password` and the matching ACL file. `front:group,key=front-gateway`
    is a folder that several services mount, so it has no identity. The data of the engine
    `postgres` is at `<engine_data_root>/postgres`, mounted read-only.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    environment: Literal["development", "production", "test"] = "production"
    secrets_root: Path
    public_keys_dir: Path
    engine_data_root: Path
    secret_owners: str
    log_format: Literal["json", "console"] = "json"
    log_level: str = "INFO"


class Secret(Protocol):
    """One secret of one owner."""

    def missing(self) -> list[Path]:
        """The files of it that don't exist."""

    def obstacle(self) -> str:
        """Why it may not be made although files are missing; empty where it may."""

    def make(self) -> None:
        """Write its files. Called only where some are missing and there is no obstacle."""


@dataclass(frozen=True)
class IdentityKey:
    """An Ed25519 key pair: `identity.key` for the service alone, `<service>.pem` for everybody."""

    service: str
    folder: Path
    public_keys: Path

    @property
    def private(self) -> Path:
        return self.folder / "identity.key"

    @property
    def public(self) -> Path:
        return self.public_keys / f"{self.service}.pem"

    def missing(self) -> list[Path]:
        return [path for path in (self.private, self.public) if not path.exists()]

    def obstacle(self) -> str:
        missing = self.missing()
        if len(missing) != 1:
            return ""
        (other,) = {self.private, self.public} - set(missing)
        return f"{missing[0]} is missing, its other half {other} exists: restore it or remove both"

    def make(self) -> None:
        key = Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        _write(self.public, public, 0o644)
        _write(self.private, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        log.info("identity_key_made", owner=self.service)


@dataclass(frozen=True)
class TokenSigningKey:
    """An RSA key that signs access tokens: `<kid>.pem`, the kid is its thumbprint (RFC 7638)."""

    folder: Path

    def missing(self) -> list[Path]:
        return [] if any(self.folder.glob("*.pem")) else [self.folder / "<kid>.pem"]

    def obstacle(self) -> str:
        return ""

    def make(self) -> None:
        key = generate_private_key(public_exponent=65537, key_size=RSA_BITS)
        kid = thumbprint(RSAAlgorithm.to_jwk(key.public_key(), as_dict=True))
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        _write(self.folder / f"{kid}.pem", pem)
        log.info("signing_key_made", kid=kid)


@dataclass(frozen=True)
class EnginePassword:
    """`<engine>.password`: 43 characters, safe in a URL.

    With `acl_user`, a Valkey ACL file `<engine>.acl` that admits this user alone, too.
    """

    engine: str
    folder: Path
    engine_data: Path
    acl_user: str | None = None

    @property
    def password(self) -> Path:
        return self.folder / f"{self.engine}.password"

    @property
    def acl(self) -> Path:
        return self.folder / f"{self.engine}.acl"

    def missing(self) -> list[Path]:
        files = [self.password, self.acl] if self.acl_user else [self.password]
        return [path for path in files if not path.exists()]

    def obstacle(self) -> str:
        if self.password.exists():
            return ""
        if not self.engine_data.is_dir():
            return f"{self.password} is missing, and {self.engine_data} is not mounted"
        if _holds_data(self.engine_data):
            return (
                f"{self.password} is missing, and {self.engine} has data that was made with it: "
                "restore it or remove the data"
            )
        return ""

    def make(self) -> None:
        if not self.password.exists():
            _write(self.password, secrets.token_urlsafe(32).encode(), _GROUP_TOO)
            log.info("password_made", engine=self.engine)
        if self.acl_user:
            digest = hashlib.sha256(self.password.read_bytes().strip()).hexdigest()
            text = f"user default reset off\nuser {self.acl_user} reset on #{digest} ~* &* +@all\n"
            _write(self.acl, text.encode(), _GROUP_TOO)


@dataclass(frozen=True)
class RandomKey:
    """`<name>.key`: 256 random bits, base64url, for keyed hashes."""

    name: str
    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / f"{self.name}.key"

    def missing(self) -> list[Path]:
        return [] if self.path.exists() else [self.path]

    def obstacle(self) -> str:
        return ""

    def make(self) -> None:
        _write(self.path, secrets.token_urlsafe(32).encode())
        log.info("random_key_made", name=self.name)


def required_secrets(settings: SecretsSettings) -> list[Secret]:
    """Every secret that the owners need.

    Raises:
        UnknownSecret: the settings name a kind of secret that does not exist.
    """
    found: list[Secret] = []
    entries = dict(entry.partition(":")[::2] for entry in settings.secret_owners.split())
    mounted = [it.name for it in settings.secrets_root.glob("*") if _is_mounted(it)]
    for owner in sorted({*mounted, *entries}):
        needs = [need for need in entries.get(owner, "").split(",") if need]
        folder = settings.secrets_root / owner
        if "group" not in needs:
            found.append(IdentityKey(owner, folder, settings.public_keys_dir))
        for need in needs:
            match need.split("="):
                case ["group"]:
                    pass
                case ["jwt"]:
                    found.append(TokenSigningKey(folder / "jwt"))
                case ["key", name]:
                    found.append(RandomKey(name, folder))
                case ["password", engine]:
                    data = settings.engine_data_root / engine
                    found.append(EnginePassword(engine, folder, data))
                case ["acl", engine]:
                    data = settings.engine_data_root / engine
                    found.append(EnginePassword(engine, folder, data, acl_user=owner))
                case _:
                    raise UnknownSecret(f"SECRET_OWNERS: {owner!r} names {need!r}")
    return found


def _is_mounted(folder: Path) -> bool:
    # The image has a folder for every member of the workspace. One without a volume is empty and,
    # in a read-only container, not writable.
    return folder.is_dir() and (os.access(folder, os.W_OK) or any(folder.iterdir()))


def make_secrets(settings: SecretsSettings) -> None:
    """Make what is missing in development, or make nothing at all.

    Raises:
        SecretsIncomplete: files are missing that may not be made.
        UnknownSecret: the settings name a kind of secret that does not exist.
    """
    incomplete = [secret for secret in required_secrets(settings) if secret.missing()]
    if settings.environment != "development":
        paths = [str(path) for secret in incomplete for path in secret.missing()]
        if paths:
            raise SecretsIncomplete(
                f"ENVIRONMENT is {settings.environment}, where no secret is made. "
                f"Missing: {', '.join(paths)}"
            )
        return
    obstacles = [obstacle for secret in incomplete if (obstacle := secret.obstacle())]
    if obstacles:
        raise SecretsIncomplete("; ".join(obstacles))
    for secret in incomplete:
        secret.make()


def thumbprint(jwk: dict[str, str]) -> str:
    """The SHA-256 thumbprint of an RSA key (RFC 7638), base64url without padding."""
    canonical = f'{{"e":"{jwk["e"]}","kty":"RSA","n":"{jwk["n"]}"}}'
    return jwt.utils.base64url_encode(hashlib.sha256(canonical.encode()).digest()).decode()


def _holds_data(folder: Path) -> bool:
    """Whether there is a file in it, or a folder that may not be read. An engine closes its data
    folder to others when it makes its data; a fresh volume has the image's empty folders at most.
    """
    try:
        entries = list(folder.iterdir())
    except PermissionError:
        return True
    return any(not entry.is_dir() or _holds_data(entry) for entry in entries)


def _write(path: Path, content: bytes, mode: int = _OWNER_ONLY) -> None:
    # Whole or not at all, and never readable by others in between.
    path.parent.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    draft.rename(path)


def main() -> int:
    """The exit code: 0 where every secret is there, else 1."""
    settings = SecretsSettings()
    configure_logging("secrets-init", log_format=settings.log_format, level=settings.log_level)
    try:
        make_secrets(settings)
    except (SecretsIncomplete, UnknownSecret) as error:
        log.error("secrets_incomplete", reason=str(error))  # noqa: TRY400  (the reason says all)
        return 1
    log.info("secrets_complete", environment=settings.environment)
    return 0


if __name__ == "__main__":
    sys.exit(main())
