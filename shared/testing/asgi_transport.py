"""A transport of the kit's client into an ASGI app in the same process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import unquote

from starlette.types import ASGIApp, Message

from shared.kit.http.transport import ConnectionBroke, Reply, Request, StreamedReply


class AsgiTransport:
    """Calls an ASGI app in memory. It does not run the app's lifespan."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def open(self) -> None:
        """There is nothing to open."""

    async def close(self) -> None:
        """There is nothing to close."""

    async def send(self, request: Request, timeout: float) -> Reply:
        async with asyncio.timeout(timeout), self.stream(request, silence=timeout) as reply:
            body = b"".join([chunk async for chunk in reply.chunks])
            return Reply(reply.status, reply.headers, body)

    @asynccontextmanager
    async def stream(self, request: Request, *, silence: float) -> AsyncIterator[StreamedReply]:
        sent: asyncio.Queue[Message | None] = asyncio.Queue()
        gone = asyncio.Event()
        pending = [{"type": "http.request", "body": request.body or b"", "more_body": False}]

        async def receive() -> Message:
            if pending:
                return pending.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def run() -> None:
            try:
                await self._app(self._scope(request), receive, sent.put)
            finally:
                await sent.put(None)

        async def received() -> Message | None:
            # Not wait_for: on Python 3.11 it can swallow a cancellation.
            async with asyncio.timeout(silence):
                return await sent.get()

        async def chunks() -> AsyncIterator[bytes]:
            while (message := await received()) is not None:
                yield message.get("body", b"")
            if task.done() and task.exception():
                raise ConnectionBroke("the app broke off its answer") from task.exception()

        task = asyncio.create_task(run())
        try:
            start = await received()
            if start is None:
                await task
                raise ConnectionBroke("the app answered nothing")
            headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
            yield StreamedReply(start["status"], headers, chunks())
        finally:
            gone.set()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _scope(self, request: Request) -> dict[str, object]:
        path, _, query = request.target.partition("?")
        headers = [("host", "test"), *request.headers.items()]
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
