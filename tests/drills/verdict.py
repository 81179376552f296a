"""What a drill found: what clients were promised against what is stored and delivered."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

import structlog

log = structlog.get_logger()

Record = Callable[[str, object], None]
"""pytest's `record_property`: what it records is read by `./dev drill` from the report."""


@dataclass(frozen=True)
class Verdict:
    """The counts of one effect, by the ids of what was promised.

    `stored` is None where the effect is not kept anywhere. `lost` had no effect, `twice` more than
    one.
    """

    effect: str
    promised: int
    stored: int | None
    delivered: int
    twice: int
    lost: int


def judge(
    record: Record,
    effect: str,
    *,
    promised: Iterable[str],
    delivered: Iterable[str],
    stored: Iterable[str] | None = None,
) -> Verdict:
    """Count, and put the verdict into the report of the tests."""
    wanted, came = set(promised), Counter(delivered)
    kept = None if stored is None else set(stored)
    lost = {it for it in wanted if it not in came or (kept is not None and it not in kept)}
    found = Verdict(
        effect,
        promised=len(wanted),
        stored=None if kept is None else len(wanted & kept),
        delivered=len(wanted & came.keys()),
        twice=sum(came[it] > 1 for it in wanted),
        lost=len(lost),
    )
    log.info("verdict", **asdict(found), examples=sorted(lost)[:3])
    record("verdict", json.dumps(asdict(found)))
    return found
