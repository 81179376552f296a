"""Registration, login and refresh by the gateway; argon2 apart from them."""

import asyncio
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import asyncpg
from argon2 import PasswordHasher, extract_parameters

from comparison import Side, compare
from load import Workload
from plan import Call
from result import Result, Session
from users import PASSWORD

HASHING_SECONDS = 3
NEW_ADDRESS = "bench-{id}@example.org"
HASHING_CONNECTIONS = 2 * (os.cpu_count() or 1)
"""A hash takes a core: with more requests under way each only waits longer, up to its deadline."""


def registration(session: Session) -> Result:
    body = {"email": NEW_ADDRESS, "password": PASSWORD, "accept_terms": True}
    calls = [Call(method="POST", path="/api/user-registration", body=json.dumps(body))]
    session.users.all()  # a stack that has just started answers its first requests late
    result = _of_stack(session, "registration", lambda: _hashing(session, calls))
    asyncio.run(session.stack.settled())
    return _with_argon2(session, result, "registration")


def login(session: Session) -> Result:
    bodies = [json.dumps(user.credentials) for user in session.users.all()]
    calls = [Call(method="POST", path="/auth/login", body=body) for body in bodies]
    result = _of_stack(session, "login", lambda: _hashing(session, calls))
    session.users.renew()  # the oldest sessions of a user end
    asyncio.run(session.stack.settled())
    return _with_argon2(session, result, "login")


def refresh(session: Session) -> Result:
    call = Call(method="POST", path="/auth/refresh", body='{"refresh_token": "{carried}"}')

    def workload() -> Workload:
        tokens = [user.refresh_token for user in session.users.renew()]
        return Workload(session.stack.url(), [call] * len(tokens), "refresh_token", tokens)

    result = _of_stack(session, "refresh", workload)
    session.users.renew()
    return result


def _hashing(session: Session, calls: list[Call]) -> Workload:
    return Workload(session.stack.url(), calls, connections=HASHING_CONNECTIONS)


def _of_stack(session: Session, name: str, workload: Callable[[], Workload]) -> Result:
    return compare(session, Side(name, workload, lambda: session.stack.pids))


def _with_argon2(session: Session, result: Result, name: str) -> Result:
    """Beside the CPU of a request that of one hash of the same parameters, by itself."""
    hasher = asyncio.run(_hasher(session.stack.database))
    hashes = [_hashes(hasher, session.seconds(HASHING_SECONDS)) for _ in range(session.rounds(3))]
    result.add("argon2 alone: best rate", "hashes/s", *(rate for rate, _ in hashes))
    alone = result.add("argon2 alone: CPU a hash", "µs", *(cpu for _, cpu in hashes))
    share = alone.median / result[f"{name}: CPU a request"].median
    result.add("argon2 alone over CPU a request", "", share)
    return result


async def _hasher(database: str) -> PasswordHasher:
    """Hashes as back-auth does: with the parameters of a stored hash."""
    connection = await asyncpg.connect(database)
    try:
        stored = await connection.fetchval("SELECT password_hash FROM credentials LIMIT 1")
    finally:
        await connection.close()
    return PasswordHasher.from_parameters(extract_parameters(stored))


def _hashes(hasher: PasswordHasher, seconds: float) -> tuple[float, float]:
    """Hashes a second with a thread a core, and microseconds of CPU a hash."""
    threads = os.cpu_count() or 1
    began, used = time.perf_counter(), time.process_time()

    def hash_on() -> int:
        count = 0
        while time.perf_counter() - began < seconds:
            hasher.hash(PASSWORD)
            count += 1
        return count

    with ThreadPoolExecutor(threads) as pool:
        count = sum(future.result() for future in [pool.submit(hash_on) for _ in range(threads)])
    took = time.perf_counter() - began
    return count / took, (time.process_time() - used) / count * 1e6
