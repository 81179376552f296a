"""The DataStax driver with an asyncio interface; its threads and errors stay in this module."""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Self

import cassandra
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import (
    EXEC_PROFILE_DEFAULT,
    Cluster,
    ExecutionProfile,
    NoHostAvailable,
    ResponseFuture,
    Session,
)
from cassandra.connection import ConnectionException
from cassandra.policies import (
    ConstantReconnectionPolicy,
    DCAwareRoundRobinPolicy,
    TokenAwarePolicy,
)
from cassandra.protocol import ErrorMessage
from cassandra.query import BatchStatement, BatchType, PreparedStatement, dict_factory

from settings import Settings
from shared.kit.errors import TimedOut, Unavailable

Row = dict[str, Any]  # the type of a column is known to CQL alone
Write = tuple[str, Sequence[object]]
"""A CQL statement and its values."""

_RECONNECT_SECONDS = 1.0
_BATCH_ROWS = 50
_NOT_REACHED = (
    NoHostAvailable,
    ConnectionException,
    ErrorMessage,
    cassandra.Unavailable,
    cassandra.AuthenticationFailed,
    OSError,
)
_TOO_LONG = (TimeoutError, cassandra.OperationTimedOut, cassandra.Timeout)


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors into those of `shared.kit.errors`; other errors pass."""
    try:
        yield
    except _TOO_LONG as error:
        raise TimedOut("Cassandra took too long.") from error
    except _NOT_REACHED as error:
        raise Unavailable("Cassandra can't be reached at present.", retry_after=1) from error


class Connection:
    """A session with the cluster. `open` makes one, `close` ends it.

    Answers come without a thread a query.
    Raises, from every use: Unavailable, TimedOut.
    """

    def __init__(self, cluster: Cluster, settings: Settings) -> None:
        self._cluster = cluster
        self._settings = settings
        self._session: Session | None = None
        self._prepared: dict[str, PreparedStatement] = {}

    @classmethod
    async def open(cls, settings: Settings) -> Self:
        connection = cls(_cluster(settings), settings)
        try:
            with translated():
                connection._session = await asyncio.to_thread(connection._cluster.connect)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def close(self) -> None:
        await asyncio.to_thread(self._cluster.shutdown)

    async def ping(self) -> None:
        with translated():
            statement = "SELECT release_version FROM system.local"
            await self._answer(statement, self._settings.request_timeout)

    async def rows(self, statement: str, *values: object) -> list[Row]:
        """The rows of `statement`, at most one page of the driver (5,000)."""
        with translated():
            bound = self._prepared[statement].bind(values)
            return await self._answer(bound, self._settings.request_timeout)

    async def write(self, *partitions: Sequence[Write]) -> None:
        """Run the writes of each partition together, those of different partitions side by side.

        Writes of one partition are applied as one, by an unlogged batch. When it raises, some
        partitions may be written.
        """
        with translated():
            await asyncio.gather(*(self._write_partition(writes) for writes in partitions))

    async def _write_partition(self, writes: Sequence[Write]) -> None:
        bound = [self._prepared[statement].bind(values) for statement, values in writes]
        if len(bound) == 1:
            await self._answer(bound[0], self._settings.request_timeout)
            return
        for start in range(0, len(bound), _BATCH_ROWS):
            batch = BatchStatement(BatchType.UNLOGGED)
            batch.add_all(bound[start : start + _BATCH_ROWS], [()] * _BATCH_ROWS)
            await self._answer(batch, self._settings.request_timeout)

    async def run(self, statement: str, *values: object) -> list[Row]:
        """Run one unprepared statement, for the schema; `%s` is a placeholder."""
        with translated():
            return await self._answer(statement, self._settings.schema_timeout, values)

    async def use_keyspace(self, statements: Iterable[str]) -> None:
        """Use the service's keyspace for all further statements.

        Prepares `statements`: only they can be given to `rows` and `write`.
        """
        with translated():
            await asyncio.to_thread(self._opened.set_keyspace, self._settings.cassandra_keyspace)
            for statement in statements:
                self._prepared[statement] = await asyncio.to_thread(self._opened.prepare, statement)

    @property
    def _opened(self) -> Session:
        if self._session is None:
            raise Unavailable("Cassandra is not connected yet.", retry_after=1)
        return self._session

    async def _answer(
        self, statement: object, seconds: float, values: Sequence[object] = ()
    ) -> list[Row]:
        response = self._opened.execute_async(statement, values or None, timeout=seconds)
        rows: list[Row] | None = await _awaited(response)
        return rows or []


def _awaited(response: ResponseFuture) -> "asyncio.Future[Any]":
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Any] = loop.create_future()

    def settle(outcome: Any, *, failed: bool) -> None:  # noqa: ANN401  (the driver's own)
        if answer.done():
            return
        if failed:
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)

    def tell(outcome: object, *, failed: bool) -> None:
        with suppress(RuntimeError):  # the loop ended before the response arrived
            loop.call_soon_threadsafe(partial(settle, outcome, failed=failed))

    response.add_callbacks(partial(tell, failed=False), partial(tell, failed=True))
    return answer


def _cluster(settings: Settings) -> Cluster:
    # The driver logs a traceback at every try to connect; `Database` logs each change once.
    logging.getLogger("cassandra").setLevel(logging.CRITICAL)  # noqa: TID251 - quietens the driver's own logger
    consistency = cassandra.ConsistencyLevel.name_to_value[settings.cassandra_consistency]
    profile = ExecutionProfile(
        load_balancing_policy=TokenAwarePolicy(
            DCAwareRoundRobinPolicy(settings.cassandra_datacenter)
        ),
        consistency_level=consistency,
        request_timeout=settings.request_timeout,
        row_factory=dict_factory,
    )
    auth = None
    if settings.cassandra_user:
        auth = PlainTextAuthProvider(settings.cassandra_user, settings.secret("cassandra.password"))
    return Cluster(
        [settings.cassandra_host],
        port=settings.cassandra_port,
        auth_provider=auth,
        protocol_version=cassandra.ProtocolVersion.V5,
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        reconnection_policy=ConstantReconnectionPolicy(_RECONNECT_SECONDS, max_attempts=None),
        connect_timeout=settings.connect_timeout,
        control_connection_timeout=settings.connect_timeout,
        application_name=settings.service,
        monitor_reporting_enabled=False,
    )
