"""The HTTP API: who may call what, and the answers."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import BaseModel

from shared.kit.contract_registry import Endpoint, contract_registry
from shared.kit.http.transport import HttpTransport
from shared.models.auth import RevokeSession, SecurityEvents
from shared.models.live import LiveBatchPublished
from shared.testing.asgi_client import AsgiClient, AsgiReply
from shared.testing.identities import Identities
from shared.testing.sessions import hashed, new_session
from shared.testing.waiting import until, until_it_succeeds
from tests.test_live_store import envelope
from tests.test_outage import last_heard
from tests.test_security_event_store import failed
from tests.test_session_store import logout, rotation


@dataclass(frozen=True)
class Server:
    """The service in a process of its own."""

    process: subprocess.Popen[bytes]
    port: int


ENDPOINTS = [
    endpoint for endpoint in contract_registry().endpoints if endpoint.service == "back-redis"
]


def path_of(template: str) -> str:
    return (
        template.replace("{sid}", str(uuid4()))
        .replace("{user_id}", str(uuid4()))
        .replace("{name}", "live")
    )


class TestAccess:
    @pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda e: f"{e.method} {e.path}")
    async def test_an_unknown_caller_and_one_without_the_scope_are_refused(
        self, client: AsgiClient, keys: Identities, endpoint: Endpoint
    ) -> None:
        path = path_of(endpoint.path)
        unknown = await client.request(endpoint.method, path, json={})
        assert unknown.status == 401
        stranger = keys.assertion(caller="back-postgres", to="back-redis")
        refused = await client.request(endpoint.method, path, json={}, headers=stranger)
        assert refused.status == 403
        assert refused.headers["content-type"] == "application/problem+json"


class TestSessions:
    async def test_create_rotate_and_revoke(self, client: AsgiClient, keys: Identities) -> None:
        auth = keys.assertion(caller="back-auth", to="back-redis")

        async def post(path: str, json: BaseModel | None = None) -> AsgiReply:
            return await client.post(path, json=json, headers=auth)

        new = new_session()
        path = f"/sessions/{new.sid}"
        created = await post("/sessions", new)
        assert created.status == 201
        body = created.json()
        assert (body["sid"], body["user_id"], body["active"]) == (
            str(new.sid),
            str(new.user_id),
            True,
        )
        changed = new.model_copy(update={"refresh_hash": hashed("other")})
        exists = await post("/sessions", changed)
        assert (exists.status, exists.json()["code"]) == (409, "session_exists")
        rotated = await post(f"{path}/rotate", rotation(new, "first", "second"))
        assert (rotated.status, rotated.json()["refresh_hash"]) == (200, hashed("second"))
        reused = await post(f"{path}/rotate", rotation(new, "first", "third"))
        assert (reused.status, reused.json()["code"]) == (409, "refresh_reused")
        ended = await post(f"{path}/rotate", rotation(new, "second", "third"))
        assert (ended.status, ended.json()["code"]) == (404, "session_not_found")
        assert (await post(f"{path}/revoke", RevokeSession(event=logout(new)))).status == 204
        read = await client.get(path, headers=auth)
        assert read.json()["active"] is False

    async def test_a_session_that_outlives_a_generation_is_refused(
        self, client: AsgiClient, keys: Identities
    ) -> None:
        auth = keys.assertion(caller="back-auth", to="back-redis")
        body = new_session().model_dump(mode="json") | {"expires_in": 7_776_001}
        assert (await client.post("/sessions", json=body, headers=auth)).status == 422

    async def test_generations_are_revoked(self, client: AsgiClient, keys: Identities) -> None:
        auth = keys.assertion(caller="back-auth", to="back-redis")
        worker = keys.assertion(caller="back-workers", to="back-redis")
        new = new_session()
        await client.post("/sessions", json=new, headers=auth)
        revoked = {"user_id": str(new.user_id), "session_generation": 2}
        assert (await client.post("/revocations", json=revoked, headers=worker)).status == 204
        read = await client.get(f"/sessions/{new.sid}", headers=auth)
        assert read.json()["active"] is False


class TestSecurityEvents:
    async def test_are_read_when_they_come_and_acknowledged(
        self, client: AsgiClient, keys: Identities
    ) -> None:
        auth = keys.assertion(caller="back-auth", to="back-redis")
        worker = keys.assertion(caller="back-workers", to="back-redis")

        async def read(**params: str) -> AsgiReply:
            return await client.get("/security-events", params=params, headers=worker)

        async def ready() -> bool:
            return (await client.get("/health/ready")).status == 200

        await until(ready)
        waiting = asyncio.create_task(read(wait_seconds="30"))
        new = failed()
        stored = await client.post("/security-events", json=new, headers=auth)
        assert (stored.status, stored.json()) == (201, {"stored": True})
        async with asyncio.timeout(10):
            found = SecurityEvents.model_validate_json((await waiting).body)
        assert new.event
        [item] = found.items
        assert item.event == new.event
        assert str(item.traceparent).startswith("00-")
        done = {"ids": [item.id]}
        path = "/security-events/acknowledge"
        assert (await client.post(path, json=done, headers=worker)).status == 204
        assert (await read(wait_seconds="0.01")).json() == {"items": [], "counted": 0}


class TestLimits:
    async def test_take_and_give_back(self, client: AsgiClient, keys: Identities) -> None:
        api = keys.assertion(caller="back-api", to="back-redis")
        bucket = {"limit": "registrations", "key": "203.0.113.7"}
        take = {"buckets": [bucket | {"capacity": 1, "window_seconds": 3600}]}
        assert (await client.post("/limits/take", json=take, headers=api)).json()["allowed"]
        refused = (await client.post("/limits/take", json=take, headers=api)).json()
        assert refused["allowed"] is False
        refill = {"buckets": [bucket | {"tokens": 1}]}
        assert (await client.post("/limits/refill", json=refill, headers=api)).status == 204
        assert (await client.post("/limits/take", json=take, headers=api)).json()["allowed"]


class TestTickets:
    async def test_are_redeemed_once(self, client: AsgiClient, keys: Identities) -> None:
        auth = keys.assertion(caller="back-auth", to="back-redis")
        sockets = keys.assertion(caller="back-websockets", to="back-redis")
        holder = {"user_id": str(uuid4()), "sid": str(uuid4()), "generation": 1}
        ticket = {"ticket_hash": hashed("ticket")}
        kept = await client.post(
            "/tickets", json=ticket | holder | {"expires_in": 30}, headers=auth
        )
        assert kept.status == 204
        redeemed = await client.post("/tickets/redeem", json=ticket, headers=sockets)
        assert redeemed.json() == holder | {"session_expires_at": None}
        again = await client.post("/tickets/redeem", json=ticket, headers=sockets)
        assert (again.status, again.json()["code"]) == (404, "ticket_not_found")


class TestIdempotency:
    async def test_a_response_is_held_stored_and_given(
        self, client: AsgiClient, keys: Identities
    ) -> None:
        api = keys.assertion(caller="back-api", to="back-redis")
        held = {"command_id": str(uuid4()), "token": str(uuid4())}
        begin = held | {"fingerprint": "a" * 64, "lease_seconds": 60}

        async def post(action: str, body: Mapping[str, object]) -> AsgiReply:
            return await client.post(f"/idempotency/{action}", json=body, headers=api)

        assert (await post("begin", begin)).json()["state"] == "begun"
        assert (await post("abandon", held)).status == 204
        response = {"status": 201, "headers": {"location": "/a"}, "body": "{}"}
        finish = held | {"user_id": str(uuid4()), "response": response}
        lost = await post("finish", finish)
        assert (lost.status, lost.json()["code"]) == (409, "lease_lost")
        await post("begin", begin)
        assert (await post("finish", finish)).status == 204
        again = await post("begin", begin)
        assert again.json() == {"state": "answered", "response": response}


class TestLive:
    async def test_publish_and_read_since(self, client: AsgiClient, keys: Identities) -> None:
        worker = keys.assertion(caller="back-workers", to="back-redis")
        sockets = keys.assertion(caller="back-websockets", to="back-redis")
        user_id, events = uuid4(), [envelope(1), envelope(2)]
        for duplicate in (False, True):
            for event in events:
                body = {"user_id": str(user_id), "envelope": event.model_dump(mode="json")}
                published = await client.post("/live/events", json=body, headers=worker)
                assert published.status == 201
                assert published.json()["duplicate"] is duplicate
        missed = await client.get(
            f"/users/{user_id}/live-events",
            params={"since": str(events[0].event_id)},
            headers=sockets,
        )
        assert missed.json() == {
            "items": [events[1].model_dump(mode="json")],
            "complete": True,
            "position": published.json()["stream_id"],
        }

    async def test_publish_several(self, client: AsgiClient, keys: Identities) -> None:
        worker = keys.assertion(caller="back-workers", to="back-redis")
        event = {"user_id": str(uuid4()), "envelope": envelope(1).model_dump(mode="json")}
        body = {"events": [event, event]}
        published = await client.post("/live/events/batch", json=body, headers=worker)
        assert published.status == 200
        answer = LiveBatchPublished.model_validate_json(published.body)
        assert [it.duplicate for it in answer.published] == [False, True]


class TestStreams:
    @pytest.mark.parametrize("since", ["x", "1-", "-1", "1-2-3", "9" * 30])
    async def test_since_must_be_an_id(
        self, client: AsgiClient, keys: Identities, since: str
    ) -> None:
        auth = keys.assertion(caller="back-auth", to="back-redis")
        refused = await client.get("/streams/live", params={"since": since}, headers=auth)
        assert refused.status == 422

    async def test_an_unknown_stream_is_not_found(
        self, client: AsgiClient, keys: Identities
    ) -> None:
        auth = keys.assertion(caller="back-auth", to="back-redis")
        refused = await client.get("/streams/secrets", headers=auth)
        assert (refused.status, refused.json()["code"]) == (404, "stream_not_found")


@pytest.fixture
def server(environment: None, raw: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "main:app", "--factory", "--port", str(port)],
        cwd=Path(__file__).parent.parent,
        env=os.environ | {"UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN": "40"},
        stdout=subprocess.DEVNULL,
    )
    yield Server(process, port)
    process.kill()
    process.wait()


class TestServer:
    async def test_sigterm_ends_open_streams_promptly(
        self, server: Server, keys: Identities
    ) -> None:
        transport = HttpTransport(f"http://127.0.0.1:{server.port}")
        async with keys.client("back-auth", "back-redis", transport) as auth:
            await until_it_succeeds(lambda: auth.probe("/health/ready"))
            events = auth.events("/streams/revocations")
            assert (await anext(events)).event == "caught-up"
            server.process.send_signal(signal.SIGTERM)
            stopped = time.monotonic()
            await last_heard(events)
            server.process.wait(timeout=30)
            assert time.monotonic() - stopped < 20, "of itself, long before it would be forced to"
