"""back-api in memory, with stub services."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from stub_services import StubServices

from main import app
from shared.models.base import now
from shared.models.user import User
from shared.testing.asgi_client import AsgiClient, in_memory, running
from shared.testing.identities import Identities, make_identities


@pytest.fixture
def keys(tmp_path: Path) -> Identities:
    made = make_identities(tmp_path, "back-api", "back-workers")
    (Path(made.env("back-api")["SECRETS_DIR"]) / "idempotency.key").write_text("secret")
    return made


@pytest.fixture
def stubs() -> StubServices:
    return StubServices()


@pytest.fixture
def environment(keys: Identities) -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in keys.env("back-api").items():
            patch.setenv(name, value)
        yield patch


@pytest.fixture
async def api(environment: pytest.MonkeyPatch, stubs: StubServices) -> AsyncIterator[AsgiClient]:
    async with running(app(connect=in_memory(stubs.apps()))) as client:
        yield client


@pytest.fixture
def user(stubs: StubServices) -> User:
    found = User(
        id=uuid4(),
        email="ada@example.org",
        role="user",
        status="active",
        version=1,
        created_at=now(),
    )
    stubs.users.users[found.id] = found
    return found


@pytest.fixture
def user_id(user: User) -> UUID:
    return user.id
