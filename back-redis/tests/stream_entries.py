"""The entries of a stream, as Valkey keeps them."""

from typing import cast

from redis.asyncio import Redis

from valkey_client import Entry


async def stream_entries(
    raw: Redis, stream: str, *, first: str = "-", last: str = "+"
) -> list[Entry]:
    """The entries with ids from `first` to `last`, oldest first."""
    return cast("list[Entry]", await raw.xrange(stream, min=first, max=last))
