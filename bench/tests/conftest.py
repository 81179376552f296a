"""A small server that the load generator is tried on."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from plan import Call, Plan


@dataclass
class Target:
    """What the server was sent, and how it answers: after `delay` seconds, one at a time where
    `in_turn`, with a status from `statuses` in turn.
    """

    url: str = ""
    delay: float = 0
    in_turn: bool = False
    statuses: list[int] = field(default_factory=lambda: [200])
    bodies: list[str] = field(default_factory=list)
    correlations: list[str] = field(default_factory=list)
    is_silent: bool = False
    event_delay: float = 0
    sockets: list[web.WebSocketResponse] = field(default_factory=list)

    def plan(self, **more: object) -> Plan:
        given = {"base_url": self.url, "calls": [Call(path="/")], "seconds": 0.5, **more}
        return Plan.model_validate(given)


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    made = Target()
    turn = asyncio.Lock()

    events: list[asyncio.Task[None]] = []

    async def send_event(correlation: str) -> None:
        await asyncio.sleep(made.event_delay)
        for socket in made.sockets:
            event = {"correlation_id": correlation, "occurred_at": "2026-01-01T00:00:00Z"}
            await socket.send_json(event)

    async def answer(request: web.Request) -> web.Response:
        made.bodies.append(await request.text())
        correlation = request.headers.get("X-Correlation-ID", "")
        made.correlations.append(correlation)
        status = made.statuses[(len(made.bodies) - 1) % len(made.statuses)]
        if made.in_turn:
            async with turn:
                await asyncio.sleep(made.delay)
        else:
            await asyncio.sleep(made.delay)
        if not made.is_silent:
            events.append(asyncio.create_task(send_event(correlation)))
        headers = {"Retry-After": "1"} if status == 503 else {}
        body = {"next": f"token {len(made.bodies)}"}
        return web.json_response(body, status=status, headers=headers)

    async def live(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        made.sockets.append(socket)
        async for _ in socket:
            pass
        return socket

    app = web.Application()
    app.router.add_route("*", "/", answer)
    app.router.add_get("/live", live)
    async with TestServer(app) as server:
        made.url = str(server.make_url("")).rstrip("/")
        yield made
        for socket in made.sockets:
            await socket.close()
