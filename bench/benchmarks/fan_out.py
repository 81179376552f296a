"""One message to 1,000 sockets: by back-websockets, and by a bare `websockets` server."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from controls import control
from result import Plot, Result, Session, Target
from shared.models.base import now
from shared.models.event import EventEnvelope
from shared.models.live import LivePublished, PublishLive
from summary import percentile
from users import User

SOCKETS = 1000
AT_ONCE = 50
MESSAGE_BYTES = 200
WITHIN_SECONDS = 10


@dataclass
class Arrivals:
    """When each socket got the message, in ms from the sending."""

    sent: float = 0
    after: list[float] = field(default_factory=list)
    complete: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self) -> None:
        self.after.append((time.perf_counter() - self.sent) * 1000)
        if len(self.after) == SOCKETS:
            self.complete.set()


class Socket(WSListener):
    def __init__(self, arrivals: Arrivals) -> None:
        super().__init__()
        self._arrivals = arrivals

    def on_ws_frame(self, _: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            self._arrivals.note()


def fan_out(session: Session) -> Result:
    with control("controls.broadcast", "{port}") as (address, _):
        user = session.users.all()[0]
        p99s = asyncio.run(_measured(session, user, f"ws://{address}"))
    result = Result()
    for name, values in p99s.items():
        result.add(f"{name}: p99 of {SOCKETS} sockets", "ms", *values)
    pairs = zip(p99s["back-websockets"], p99s["bare"], strict=True)
    ratio = result.add("ratio of p99", "", *(one / two for one, two in pairs))
    result.targets.append(Target("p99 against bare, median of 10 rounds", ratio.median, 1.5, ""))
    labels = [str(number + 1) for number in range(len(p99s["bare"]))]
    result.plots.append(Plot("p99 by round (ms)", "bars", p99s, labels))
    return result


async def _measured(session: Session, user: User, bare: str) -> dict[str, list[float]]:
    """The p99 of each round by side. Both have their sockets in this process, open all the time."""
    stack = session.stack
    of_stack, of_bare = Arrivals(), Arrivals()
    live = f"{stack.url('back-websockets').replace('http', 'ws', 1)}/ws/notifications?ticket="
    for _ in range(SOCKETS // AT_ONCE):
        tickets = await session.users.tickets([user] * AT_ONCE)
        await asyncio.gather(
            *(ws_connect(lambda: Socket(of_stack), live + ticket) for ticket in tickets)
        )
        await asyncio.gather(*(ws_connect(lambda: Socket(of_bare), bare) for _ in tickets))
    session.say(f"{SOCKETS} sockets are open at each side")
    sender, _ = await ws_connect(WSListener, bare)
    async with stack.client("back-workers", "back-redis") as redis:

        async def publish() -> None:
            await redis.post("/live/events", _message(user.id), response_model=LivePublished)

        async def send() -> None:
            sender.send(WSMsgType.TEXT, b"x" * MESSAGE_BYTES)

        sides = {"back-websockets": (of_stack, publish), "bare": (of_bare, send)}
        found: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(session.rounds(10)):
            for name, (arrivals, trigger) in sides.items():
                found[name].append(await _round(arrivals, trigger))
    return found


async def _round(arrivals: Arrivals, trigger: Callable[[], Awaitable[None]]) -> float:
    arrivals.after.clear()
    arrivals.complete.clear()
    arrivals.sent = time.perf_counter()
    async with asyncio.timeout(WITHIN_SECONDS):
        await trigger()
        await arrivals.complete.wait()
    return percentile(arrivals.after, 99)


def _message(user_id: str) -> PublishLive:
    """An event whose JSON has `MESSAGE_BYTES` bytes."""
    envelope = EventEnvelope(
        event_id=uuid4(),
        event_type="bench.sent",
        occurred_at=now(),
        correlation_id="bench-fan-out",
        payload={"x": ""},
    )
    missing = MESSAGE_BYTES - len(envelope.model_dump_json())
    envelope.payload["x"] = "x" * max(0, missing)
    return PublishLive(user_id=UUID(user_id), envelope=envelope)
