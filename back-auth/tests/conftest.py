"""Keys, and the app with back-postgres and back-redis in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi import FastAPI

from main import app as make_app
from shared.models.auth import MailPurpose
from shared.models.user import Role, User, UserStatus
from shared.testing.asgi_client import AsgiClient, AsgiReply, in_memory, running
from shared.testing.identities import Identities, make_identities
from tests.fakes import PostgresState, RedisState
from tests.stub_services import postgres_stub, redis_stub

PASSWORD = "correct horse battery staple"
EMAIL = "ada@example.org"
SERVICES = (
    "back-api",
    "back-auth",
    "back-postgres",
    "back-redis",
    "back-websockets",
    "back-workers",
)


def write_key(folder: Path, name: str, key: RSAPrivateKey) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


@pytest.fixture(scope="session")
def rsa_key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def other_rsa_key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


@pytest.fixture
def postgres() -> PostgresState:
    return PostgresState()


@pytest.fixture
def redis() -> RedisState:
    return RedisState()


@pytest.fixture
def keys(tmp_path: Path) -> Identities:
    made = make_identities(tmp_path, *SERVICES)
    for key in ("mail-tokens", "device-tokens", "refresh-tokens"):
        (tmp_path / "secrets" / "back-auth" / f"{key}.key").write_text(f"the-{key}-key-of-a-test")
    return made


@pytest.fixture
def key_folder(keys: Identities, rsa_key: RSAPrivateKey) -> Path:
    folder = keys.folder / "secrets" / "back-auth" / "jwt"
    write_key(folder, "1.pem", rsa_key)
    return folder


@dataclass
class Stack:
    """back-auth, running, with the state of its stub services."""

    app: FastAPI
    client: AsgiClient
    postgres: PostgresState
    redis: RedisState
    keys: Identities
    key_folder: Path

    async def add_user(
        self, email: str = EMAIL, *, status: UserStatus = "active", role: Role = "user"
    ) -> User:
        """A user whose password is PASSWORD."""
        password_hash = await self.hash_of(PASSWORD)
        return self.postgres.add_user(email, password_hash, status=status, role=role)

    async def add_registration(self, email: str = EMAIL, password: str = PASSWORD) -> UUID:
        """A registration that waits for its confirmation."""
        return self.postgres.add_registration(email, await self.hash_of(password))

    async def mint(self, user_id: UUID, purpose: MailPurpose = "verify_email") -> str:
        """The token of a mail to the address of a registration or user."""
        reply = await self.client.post(
            "/internal/mail-tokens",
            json={"user_id": str(user_id), "purpose": purpose},
            headers=self.keys.assertion(caller="back-workers", to="back-auth"),
        )
        assert reply.status == 201
        return str(reply.json()["token"])

    async def hash_of(self, password: str) -> str:
        """The hash that the service makes of a password."""
        accepted = await self.client.post(
            "/internal/credentials",
            json={"password": password},
            headers=self.keys.assertion(caller="back-api", to="back-auth"),
        )
        assert accepted.status == 201
        return self.postgres.unclaimed.popitem()[1]

    async def log_in(
        self,
        email: str = EMAIL,
        password: str = PASSWORD,
        *,
        network: str = "192.0.2.1",
        device_token: str | None = None,
    ) -> AsgiReply:
        headers = {"X-Real-IP": network}
        if device_token is not None:
            headers["X-Device-Token"] = device_token
        body = {"email": email, "password": password}
        return await self.client.post("/auth/login", json=body, headers=headers)

    async def tokens(self, email: str = EMAIL) -> tuple[str, str]:
        """A new session's access and refresh token."""
        body = (await self.log_in(email)).json()
        return str(body["access_token"]), str(body["refresh_token"])

    async def refresh(self, token: str) -> AsgiReply:
        return await self.client.post("/auth/refresh", json={"refresh_token": token})


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def environment(
    monkeypatch: pytest.MonkeyPatch, keys: Identities, key_folder: Path
) -> pytest.MonkeyPatch:
    """The environment of back-auth, with the cheapest argon2."""
    settings = keys.env("back-auth") | {
        "LOG_LEVEL": "DEBUG",
        "ARGON2_MEMORY_KIB": "8",
        "ARGON2_TIME_COST": "1",
        "SIGNING_KEYS_INTERVAL": "0.02",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@asynccontextmanager
async def running_stack(
    postgres: PostgresState, redis: RedisState, keys: Identities, key_folder: Path
) -> AsyncIterator[Stack]:
    """back-auth over the two stub services; needs `environment`."""
    connect = in_memory({"back-postgres": postgres_stub(postgres), "back-redis": redis_stub(redis)})
    app = make_app(connect)
    async with running(app) as client:
        yield Stack(app, client, postgres, redis, keys, key_folder)


@pytest.fixture
async def stack(
    environment: pytest.MonkeyPatch,
    postgres: PostgresState,
    redis: RedisState,
    keys: Identities,
    key_folder: Path,
) -> AsyncIterator[Stack]:
    async with running_stack(postgres, redis, keys, key_folder) as stack:
        yield stack
