"""The load generator, a process of its own: a plan on standard input, its outcome in the file that
its argument names. A latency counts from the time that the request was due, so that a slow answer
can't delay the measurement of those behind it (no coordinated omission).
"""

import asyncio
import itertools
import json
import sys
import time
from collections import Counter
from datetime import datetime
from pathlib import Path

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from connections import Connections, Reply
from plan import Answer, Outcome, Plan

START_SECONDS = 0.05
_JSON = {"Content-Type": "application/json"}


class LiveEvents(WSListener):
    """Notes when the event of each correlation id came first."""

    def __init__(self, received: dict[str, tuple[float, float]], arrived: asyncio.Event) -> None:
        super().__init__()
        self._received = received
        self._arrived = arrived

    def on_ws_frame(self, _: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            at = time.time()
            event = json.loads(frame.get_payload_as_bytes())
            occurred = datetime.fromisoformat(event["occurred_at"]).timestamp()
            self._received.setdefault(event["correlation_id"], (at, occurred))
            self._arrived.set()


class Generator:
    """Runs one plan."""

    def __init__(self, plan: Plan, connections: Connections) -> None:
        self._plan = plan
        self._connections = connections
        self._carried = list(plan.carried) or [""] * len(plan.calls)
        self._heads = [
            connections.head(it.method, it.path, {**(_JSON if it.body else {}), **it.headers})
            for it in plan.calls
        ]
        self._offset = time.time() - time.perf_counter()
        self._numbers = itertools.count()
        self.outcome = Outcome(answers=[])

    async def run(self) -> None:
        arrived = asyncio.Event()
        received = self.outcome.received
        sockets = [
            (await ws_connect(lambda: LiveEvents(received, arrived), url))[0]
            for url in self._plan.sockets
        ]
        before = time.process_time()
        await (self._at_fixed_times() if self._plan.rate else self._as_answered())
        self.outcome.cpu_seconds = time.process_time() - before
        await self._drain(arrived)
        for socket in sockets:
            socket.disconnect()

    async def _at_fixed_times(self) -> None:
        began = time.perf_counter() + START_SECONDS
        async with asyncio.TaskGroup() as group:
            for number in range(round(self._plan.rate * self._plan.seconds)):
                due = began + number / self._plan.rate
                if (wait := due - time.perf_counter()) > 0:
                    await asyncio.sleep(wait)
                self.outcome.late = max(self.outcome.late, time.perf_counter() - due)
                slot = number % len(self._plan.calls)
                group.create_task(self._send(slot, due))

    async def _as_answered(self) -> None:
        ends = time.perf_counter() + self._plan.seconds

        async def keep_sending(slot: int) -> None:
            while time.perf_counter() < ends:
                await self._send(slot, time.perf_counter())
                if not self._plan.carry:
                    slot = (slot + self._plan.connections) % len(self._plan.calls)

        async with asyncio.TaskGroup() as group:
            for connection in range(self._plan.connections):
                group.create_task(keep_sending(connection % len(self._plan.calls)))

    async def _send(self, slot: int, due: float) -> None:
        plan, call = self._plan, self._plan.calls[slot]
        correlation = f"{plan.correlation}-{next(self._numbers)}"
        body = call.body
        if body:
            body = body.replace("{id}", correlation).replace("{carried}", self._carried[slot])
        try:
            header = f"X-Correlation-ID: {correlation}"
            reply = await self._connections.send(self._heads[slot], header, body)
        except (OSError, TimeoutError):
            reply = Reply()
        if plan.carry and reply.status // 100 == 2:
            self._carried[slot] = json.loads(reply.body)[plan.carry]
        seconds = time.perf_counter() - due
        self.outcome.answers.append(
            Answer.model_construct(
                correlation=correlation,
                due=due + self._offset,
                seconds=seconds,
                status=reply.status,
                retry_after=reply.retry_after,
            )
        )

    async def _drain(self, arrived: asyncio.Event) -> None:
        """Wait for the events of all requests that succeeded, while some come."""
        if not self._plan.sockets:
            return
        good = Counter(answer.status // 100 for answer in self.outcome.answers)[2]
        ends = time.perf_counter() + self._plan.drain
        while len(self.outcome.received) < good and time.perf_counter() < ends:
            arrived.clear()
            try:
                await asyncio.wait_for(arrived.wait(), ends - time.perf_counter())
            except TimeoutError:
                return


async def generate(plan: Plan) -> Outcome:
    """Send what the plan says."""
    async with Connections(plan.base_url, plan.connections_max, plan.timeout) as connections:
        generator = Generator(plan, connections)
        await generator.run()
    return generator.outcome


if __name__ == "__main__":
    uvloop.install()
    plan = Plan.model_validate_json(sys.stdin.read())
    Path(sys.argv[1]).write_text(asyncio.run(generate(plan)).model_dump_json())
