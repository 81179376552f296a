"""The client of Valkey: a connection pool, Lua scripts, and errors as Unavailable."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, Self, TypeAlias, TypeVar, cast

from redis import exceptions
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from settings import Settings
from shared.kit.errors import Unavailable

Answer = TypeVar("Answer")
Answer_co = TypeVar("Answer_co", covariant=True)

Entry: TypeAlias = tuple[str, dict[str, str]]
"""An entry of a stream: its id and its fields."""

STORES = Path(__file__).parent / "stores"


class Script(Protocol[Answer_co]):
    """A Lua script, called with its KEYS and its ARGV; Valkey runs it atomically."""

    async def __call__(self, keys: Sequence[str], arguments: Sequence[str | int]) -> Answer_co: ...


class ValkeyClient:
    """Commands and scripts on one pool of connections, which reconnects by itself.

    Every call raises Unavailable within `valkey_timeout` seconds when Valkey can't be reached,
    doesn't answer, or can't write. The command may have been executed all the same. It is not
    retried here: a caller may repeat each script.
    """

    def __init__(self, settings: Settings) -> None:
        password = settings.secret("valkey.password")
        self._timeout = settings.valkey_timeout
        self._redis = Redis(
            connection_pool=BlockingConnectionPool(
                max_connections=settings.valkey_connections,
                timeout=None,
                host=settings.valkey_host,
                port=settings.valkey_port,
                username=settings.valkey_user if password else None,
                password=password or None,
                # _answer limits the time of a call as a whole, the wait for a connection included.
                socket_timeout=None,
                socket_connect_timeout=None,
                retry=Retry(NoBackoff(), 0),
                decode_responses=True,
                # RESP 2: RESP 3 begins each connection with a handshake for the notifications of
                # Redis Enterprise, which Valkey refuses.
                protocol=2,
            )
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._redis.aclose(close_connection_pool=True)

    async def ping(self) -> None:
        await self._answer(self._redis.ping())

    def script(self, name: str, *, before: str | None = None) -> Script[Answer]:
        """The script `stores/<name>.lua`; the caller declares the type of its answer.

        The functions of `stores/<before>.lua` are put in front of it.
        """
        texts = [(STORES / f"{part}.lua").read_text() for part in (before, name) if part]
        script = self._redis.register_script("".join(texts))

        async def run(keys: Sequence[str], arguments: Sequence[str | int]) -> Answer:
            return cast("Answer", await self._answer(script(keys=keys, args=arguments)))

        return run

    async def set(self, key: str, value: str, *, expires_in: int) -> None:
        await self._answer(self._redis.set(key, value, ex=expires_in))

    async def get_and_delete(self, key: str) -> str | None:
        return cast("str | None", await self._answer(self._redis.getdel(key)))

    async def delete(self, *keys: str) -> None:
        await self._answer(self._redis.delete(*keys))

    async def exists(self, key: str) -> bool:
        return await self._answer(self._redis.exists(key)) == 1

    async def entries(self, stream: str, first: str, count: int) -> list[Entry]:
        """At most `count` entries from `first` on; `(` before an id leaves that one out."""
        found = await self._answer(self._redis.xrange(stream, min=first, count=count))
        return cast("list[Entry]", found)

    async def delete_entries(self, stream: str, ids: Sequence[str]) -> None:
        await self._answer(self._redis.xdel(stream, *ids))

    async def counts(self, key: str) -> dict[str, int]:
        """The counts of a hash by their names."""
        found = await self._answer(self._redis.hgetall(key))
        return {str(name): int(count) for name, count in found.items()}

    async def last_id(self, stream: str) -> str:
        """The id of the newest entry, `0-0` when there is none."""
        found = await self._answer(self._redis.xrevrange(stream, count=1))
        return cast("list[Entry]", found)[0][0] if found else "0-0"

    async def wait_for_entries(
        self, positions: Mapping[str, str], *, wait_ms: int
    ) -> dict[str, list[Entry]]:
        """Entries after `positions` (id by stream); waits at most `wait_ms` for the first."""
        found = await self._answer(
            self._redis.xread(
                dict(positions.items()),
                count=500,
                block=wait_ms,
            )
        )
        return dict(cast("list[tuple[str, list[Entry]]]", found))

    async def _answer(self, command: Awaitable[Answer]) -> Answer:
        try:
            async with asyncio.timeout(self._timeout):
                return await command
        except (exceptions.RedisError, OSError) as error:
            if not _is_temporary(error):
                raise
            raise Unavailable("The store can't be reached at present.", retry_after=1) from error


def _is_temporary(error: Exception) -> bool:
    """Whether Valkey can't answer now; other errors are programming mistakes."""
    if isinstance(error, exceptions.ResponseError):
        # MISCONF: the append-only file can't be written, so nothing may be promised.
        return isinstance(error, exceptions.ReadOnlyError | exceptions.OutOfMemoryError) or str(
            error
        ).startswith("MISCONF")
    return isinstance(error, exceptions.ConnectionError | exceptions.TimeoutError | OSError)
