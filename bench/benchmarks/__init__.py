"""Every benchmark, in the order of a full run."""

from benchmarks.accounts import login, refresh, registration
from benchmarks.claims import claims
from benchmarks.fan_out import fan_out
from benchmarks.lifecycle import at_rest, warm_start
from benchmarks.notifications import notification_to_live
from benchmarks.overload import overload
from benchmarks.reads import gateway_read, two_hop_read
from benchmarks.tasks import event_to_task
from benchmarks.writes import event_to_live, write_with_events
from result import Benchmark

BENCHMARKS = [
    Benchmark(
        "warm-start",
        "`./dev up --detach` of the whole stack with Cassandra, everything downloaded before.",
        warm_start,
    ),
    Benchmark(
        "at-rest",
        "CPU and memory of every process during 30 seconds without a request.",
        at_rest,
    ),
    Benchmark(
        "two-hop-read",
        "GET /api/profile by back-api and back-postgres, against one FastAPI and asyncpg process "
        "that verifies RS256 each time and reads the same row of the same PostgreSQL.",
        two_hop_read,
    ),
    Benchmark(
        "gateway-read",
        "The same read by the gateway, against the read by two hops.",
        gateway_read,
    ),
    Benchmark(
        "registration",
        "POST /api/user-registration of addresses that are new, one argon2 hash and one mail each.",
        registration,
    ),
    Benchmark("login", "POST /auth/login with the right password.", login),
    Benchmark("refresh", "POST /auth/refresh, each with the token of the answer before.", refresh),
    Benchmark(
        "write-with-events",
        "PATCH /api/profile at fixed rates: one event, delivered to the audit log and to the "
        "socket of its user, paired by correlation id. CPU a write counts all processes until "
        "the last delivery is done. Then a backlog that built up while the relay stood still is "
        "drained.",
        write_with_events,
    ),
    Benchmark(
        "event-to-live",
        "From the time that an event occurred to its arrival at a WebSocket of its user, at 50 "
        "writes a second, paired by correlation id.",
        event_to_live,
    ),
    Benchmark(
        "notification-to-live",
        "POST /api/admin/users/{id}/notify at 50 a second for 50 users in turn, until the "
        "notification is at the WebSocket of its user, paired by correlation id. Its deliveries "
        "go to the timeline, the unread count, the audit log and the socket.",
        notification_to_live,
    ),
    Benchmark(
        "event-to-task",
        "From the request that stores an event to the start of its Celery task, at 50 a second.",
        event_to_task,
    ),
    Benchmark(
        "fan-out",
        "One message of 200 bytes to 1,000 sockets of back-websockets, from its publication, "
        "against a broadcast by a bare `websockets` server; the same client has all sockets.",
        fan_out,
    ),
    Benchmark(
        "claims",
        "A claim while 300,000 deliveries are open: one for each aggregate, all of one aggregate, "
        "or all behind a leased one.",
        claims,
    ),
    Benchmark(
        "overload",
        "Reads by the gateway, offered at twice the best rate for a minute. A 503 is a refusal "
        "and reported apart.",
        overload,
    ),
]
