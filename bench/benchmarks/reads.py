"""Reads of a profile: by two hops against one process, and by the gateway against two hops."""

from collections.abc import Mapping

from comparison import Side, compare
from controls.processes import http_control
from load import Workload
from result import Result, Session, Target

PATH = "/api/profile"


def two_hop_read(session: Session) -> Result:
    environment = {"BENCH_JWKS": session.stack.jwks(), "BENCH_DATABASE": session.stack.database}
    calls = session.users.calls("GET", PATH)
    with http_control("two_hop_read", environment) as control:

        def of_control() -> Mapping[str, int]:
            return {"control": control.pid, "postgres": session.stack.pids["postgres"]}

        subject = Side("two hops", _workload(session, "back-api"), lambda: session.stack.pids)
        single = Side("one process", Workload(control.url, calls), of_control)
        result, _ = compare(session, subject, single)
    ratios = {figure.name: figure.median for figure in result.figures}
    result.targets += [
        Target(
            "throughput against one process",
            ratios["ratio of the best rates"],
            0.6,
            "",
            "at least",
        ),
        Target("CPU a request against one process", ratios["ratio of CPU a request"], 2.1, ""),
    ]
    return result


def gateway_read(session: Session) -> Result:
    sides = (
        Side("by the gateway", _workload(session, "back-gateway"), lambda: session.stack.pids),
        Side("two hops", _workload(session, "back-api"), lambda: session.stack.pids),
    )
    return compare(session, *sides)[0]


def _workload(session: Session, service: str) -> Workload:
    return Workload(session.stack.url(service), session.users.calls("GET", PATH))
