"""Reads of a profile: by two hops against one process, and by the gateway against two hops."""

from collections.abc import Mapping

from comparison import Side, compare
from controls import control
from load import Workload
from result import Result, Session, Target

PATH = "/api/profile"
CONTROL = "one process"
SINGLE_PROCESS = (
    "uvicorn controls.two_hop_read:app --factory --no-access-log --log-level=warning --port={port}"
)


def two_hop_read(session: Session) -> Result:
    environment = {"BENCH_JWKS": session.stack.jwks(), "BENCH_DATABASE": session.stack.database}
    with control(*SINGLE_PROCESS.split(), **environment) as (address, pid):

        def of_control() -> Mapping[str, int]:
            return {"control": pid, "postgres": session.stack.pids["postgres"]}

        alone = Side(CONTROL, lambda: _workload(session, f"http://{address}"), of_control)
        result = compare(session, _by(session, "two hops", "back-api"), alone)
    rate, cpu = result["ratio of the best rates"], result["ratio of CPU a request"]
    result.targets += [
        Target("throughput against one process", rate.median, 0.6, "", "at least"),
        Target("CPU a request against one process", cpu.median, 2.1, ""),
    ]
    return result


def control_us(results: Mapping[str, Result]) -> float | None:
    """Microseconds of CPU a request of the one process; None where it was not measured."""
    measured = results.get("two-hop-read")
    if measured is None or measured.void:
        return None
    return measured[f"{CONTROL}: CPU a request"].median


def gateway_read(session: Session) -> Result:
    return compare(
        session,
        _by(session, "by the gateway", "back-gateway"),
        _by(session, "two hops", "back-api"),
    )


def _by(session: Session, name: str, service: str) -> Side:
    url = session.stack.url(service)
    return Side(name, lambda: _workload(session, url), lambda: session.stack.pids)


def _workload(session: Session, url: str) -> Workload:
    return Workload(url, session.users.calls("GET", PATH))
