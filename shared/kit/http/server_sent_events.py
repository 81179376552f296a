"""Server-sent events (HTML Living Standard, section 9.2), written and read."""

from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event of a stream; `id` is None where the sender named none."""

    event: str
    data: str
    id: str | None = None

    def encode(self) -> bytes:
        """The event on the wire; `data` may have several lines."""
        lines = [f"event: {self.event}", *(f"data: {line}" for line in self.data.split("\n"))]
        if self.id is not None:
            lines.insert(0, f"id: {self.id}")
        return ("\n".join(lines) + "\n\n").encode()


async def parse_events(chunks: AsyncIterator[bytes]) -> AsyncIterator[ServerSentEvent]:
    """The events in a body that comes in pieces of any size; comments are passed over."""
    rest = b""
    async for chunk in chunks:
        rest += chunk.replace(b"\r\n", b"\n")
        *blocks, rest = rest.split(b"\n\n")
        for block in blocks:
            if event := _parse(block.decode()):
                yield event


def _parse(block: str) -> ServerSentEvent | None:
    name, identity, data = "message", None, []
    for line in block.split("\n"):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "id":
            identity = value
        elif field == "data":
            data.append(value)
    return ServerSentEvent(name, "\n".join(data), identity) if data else None
