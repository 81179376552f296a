"""Every benchmark, in the order of a full run."""

from benchmarks.reads import gateway_read, two_hop_read
from benchmarks.writes import event_to_live, write_with_events
from result import Benchmark

BENCHMARKS = [
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
]
