"""The long-running service `shared`: makes the secrets that are missing, serves the contracts.

Run as `python -m shared.secrets_init`. Each owner has a folder of its own, so that a service can
be given its own secrets and nobody else's; public keys stand in one folder that everybody may read.
What exists is never touched: a restart makes nothing new.
"""

import hashlib
import os
import secrets
from pathlib import Path

import jwt
import structlog
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from fastapi import APIRouter, FastAPI
from fastapi.responses import PlainTextResponse
from jwt.algorithms import RSAAlgorithm
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.kit.contract_registry import Tables, tables
from shared.kit.errors import NotFound
from shared.kit.http.middleware import RequestContext
from shared.kit.http.problems import install_problems
from shared.kit.runtime.health import HealthChecks, version_in
from shared.kit.runtime.log import configure_logging

log = structlog.get_logger()

RSA_BITS = 2048
_OWNER_ONLY = 0o600
_ENGINE_TOO = 0o640  # an engine reads its password through the group of its owner
_FOLDER = 0o750


class UnknownSecret(ValueError):
    """The settings name a kind of secret that there is no way to make."""


class VaultSettings(BaseSettings):
    """`vault_owners` names owners and what each needs besides an identity.

    `back-auth:jwt back-postgres:password=postgres back-redis:acl=valkey`: the folder of
    back-auth gets an RSA key, that of back-postgres `postgres.password`, that of back-redis
    `valkey.password` and the matching ACL file.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    secrets_root: Path
    public_keys_dir: Path
    vault_owners: str
    log_format: str = "json"
    log_level: str = "INFO"
    uvicorn_host: str = "127.0.0.1"
    uvicorn_port: int = 8109


def make_identity(service: str, secrets_dir: Path, public_keys: Path) -> None:
    """An Ed25519 key pair: `identity.key` for the service alone, `<service>.pem` for everybody."""
    secrets_dir.mkdir(parents=True, exist_ok=True)
    public_keys.mkdir(parents=True, exist_ok=True)
    private, public = secrets_dir / "identity.key", public_keys / f"{service}.pem"
    if private.exists() and public.exists():
        return
    key = Ed25519PrivateKey.generate()
    _write(private, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    _write(
        public,
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        0o644,
    )
    log.info("identity_made", owner=service)


def make_jwt_key(folder: Path) -> None:
    """An RSA key that signs access tokens, named by its thumbprint (RFC 7638)."""
    folder.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
    if any(folder.glob("*.pem")):
        return
    key = generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    kid = thumbprint(RSAAlgorithm.to_jwk(key.public_key(), as_dict=True))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _write(folder / f"{kid}.pem", pem)
    log.info("signing_key_made", kid=kid)


def thumbprint(jwk: dict[str, str]) -> str:
    """The SHA-256 thumbprint of an RSA key (RFC 7638), base64url without padding."""
    canonical = f'{{"e":"{jwk["e"]}","kty":"RSA","n":"{jwk["n"]}"}}'
    return jwt.utils.base64url_encode(hashlib.sha256(canonical.encode()).digest()).decode()


def make_password(folder: Path, name: str) -> str:
    """`<name>.password`; an existing one stays. 43 characters, safe in a URL."""
    path = folder / f"{name}.password"
    if not path.exists():
        _write(path, secrets.token_urlsafe(32).encode(), _ENGINE_TOO)
        log.info("password_made", name=name)
    return path.read_text().strip()


def make_acl(folder: Path, name: str, user: str) -> None:
    """A Valkey ACL file `<name>.acl` that lets in `user` alone, with `<name>.password`."""
    digest = hashlib.sha256(make_password(folder, name).encode()).hexdigest()
    text = f"user default reset off\nuser {user} reset on #{digest} ~* &* +@all\n"
    path = folder / f"{name}.acl"
    if not path.exists() or path.read_text() != text:
        _write(path, text.encode(), _ENGINE_TOO)


def make_secrets(settings: VaultSettings) -> None:
    """Make everything that is missing.

    Raises:
        UnknownSecret: the settings ask for a kind of secret that does not exist.
    """
    for entry in settings.vault_owners.split():
        owner, _, needs = entry.partition(":")
        folder = settings.secrets_root / owner
        folder.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
        make_identity(owner, folder, settings.public_keys_dir)
        for need in filter(None, needs.split(",")):
            match need.split("="):
                case ["jwt"]:
                    make_jwt_key(folder / "jwt")
                case ["password", name]:
                    make_password(folder, name)
                case ["acl", name]:
                    make_acl(folder, name, user=owner)
                case _:
                    raise UnknownSecret(f"VAULT_OWNERS: {entry!r} asks for {need!r}")


def _write(path: Path, content: bytes, mode: int = _OWNER_ONLY) -> None:
    # Whole or not at all, and never readable by others in between.
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    draft.rename(path)


def contracts_router() -> APIRouter:
    """The contracts of this version, for whoever wants to compare."""
    router = APIRouter(prefix="/contracts", tags=["contracts"])
    folder = Path(__file__).parent / "contracts"

    @router.get("")
    async def index() -> Tables:
        return tables()

    @router.get("/{name}", response_class=PlainTextResponse)
    async def contract(name: str) -> PlainTextResponse:
        if name not in tables().contracts:
            raise NotFound("There is no contract of that name.", code="contract_not_found")
        text = (folder / name / "feature.yaml").read_text()
        return PlainTextResponse(text, media_type="application/yaml")

    return router


def app() -> FastAPI:
    """The secrets are there before the first answer."""
    settings = VaultSettings()
    configure_logging("shared", log_format=settings.log_format, level=settings.log_level)
    make_secrets(settings)
    version = version_in(Path(__file__).resolve().parents[1])
    api = FastAPI(title="shared", version=version, docs_url=None, redoc_url=None)
    api.add_middleware(RequestContext, deadline=10, body_max_bytes=1024)
    install_problems(api)
    api.include_router(HealthChecks("shared", version).router())
    api.include_router(contracts_router())
    return api


if __name__ == "__main__":
    served = VaultSettings()
    uvicorn.run(
        "shared.secrets_init:app",
        factory=True,
        host=served.uvicorn_host,
        port=served.uvicorn_port,
        log_config=None,
        access_log=False,
    )
