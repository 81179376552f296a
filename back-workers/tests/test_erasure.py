"""What is removed of a user who deleted the account, beside what consumers store."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest
from pydantic import JsonValue

from delivery_handler import Effect, Undeliverable
from exports.export_file import BYTE_ORDER_MARK, ExportFile, path_of, remove_user
from relay.erasure import erasure
from shared.kit.errors import Unavailable
from shared.models.event import Delivery
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import Identities
from tests.fake_outbox_client import FakeOutboxClient
from tests.fake_services import FakeServices


@pytest.fixture
def erase(services: FakeServices, keys: Identities, tmp_path: Path) -> Effect:
    transport = AsgiTransport(services.app())
    return erasure(
        keys.client("back-workers", "back-postgres", transport),
        keys.client("back-workers", "back-redis", transport),
        tmp_path / "exports",
    )


async def deletion(outbox: FakeOutboxClient, **payload: JsonValue) -> Delivery:
    outbox.add("erasure", "user.deleted", payload=payload)
    (delivery,) = await outbox.claim(["erasure"], limit=1, wait_seconds=0)
    return delivery


def finished(folder: Path, services: FakeServices) -> Path:
    file = ExportFile.open(folder, uuid4(), None)
    file.append(services.users)
    file.finish()
    file.close()
    return next(folder.glob("*.csv"))


class TestErasure:
    async def test_asks_each_store_and_goes_on_until_nothing_is_left(
        self, erase: Effect, services: FakeServices, outbox: FakeOutboxClient
    ) -> None:
        user_id = uuid4()
        services.left_to_forget = 2
        delivery = await deletion(outbox, user_id=str(user_id))
        await erase(delivery)
        assert services.forgotten_by_redis == [user_id]
        assert [it.user_id for it in services.forgotten] == [user_id] * 3
        assert {it.deletion_id for it in services.forgotten} == {delivery.envelope.event_id}
        assert "audit" not in services.forgotten[0].undelivered

    async def test_a_store_that_is_out_is_asked_again(
        self, erase: Effect, services: FakeServices, outbox: FakeOutboxClient
    ) -> None:
        services.outbox_down = Unavailable()
        delivery = await deletion(outbox, user_id=str(uuid4()))
        with pytest.raises(Unavailable):
            await erase(delivery)
        services.outbox_down = None
        await erase(delivery)
        assert len(services.forgotten) == 1

    async def test_an_event_without_a_user_is_dead(
        self, erase: Effect, outbox: FakeOutboxClient
    ) -> None:
        with pytest.raises(Undeliverable):
            await erase(await deletion(outbox))


class TestExports:
    def test_a_finished_file_loses_the_line_and_nothing_else(
        self, services: FakeServices, tmp_path: Path
    ) -> None:
        services.add_users(20)
        path = finished(tmp_path, services)
        before = path.read_bytes().splitlines(keepends=True)
        gone = services.users[7].id
        for _ in range(2):
            remove_user(tmp_path, gone)
        after = path.read_bytes().splitlines(keepends=True)
        assert after == [line for line in before if str(gone).encode() not in line]
        assert len(after) == 20
        assert after[0].startswith(BYTE_ORDER_MARK.encode())
        assert list(tmp_path.iterdir()) == [path]
        assert path.stat().st_mode & 0o777 == 0o600

    def test_a_file_under_way_that_has_the_user_is_given_up(
        self, services: FakeServices, tmp_path: Path
    ) -> None:
        services.add_users(2)
        ours, other = [ExportFile.open(tmp_path, uuid4(), None) for _ in range(2)]
        for file, user in ((ours, services.users[0]), (other, services.users[1])):
            file.append([user])
            file.sync()
        remove_user(tmp_path, services.users[0].id)
        with pytest.raises(FileNotFoundError):
            ours.finish()
        other.finish()
        for file in (ours, other):
            file.close()
        assert len(list(tmp_path.glob("*.csv"))) == 1

    def test_no_folder_has_no_files(self, tmp_path: Path) -> None:
        remove_user(tmp_path / "none", UUID(int=1))

    def test_an_empty_file_is_left_alone(self, tmp_path: Path) -> None:
        path = path_of(tmp_path, uuid4())
        path.touch()
        remove_user(tmp_path, UUID(int=1))
        assert path.exists()
