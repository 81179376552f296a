"""Twice the best rate of reads by the gateway.

The best rate is measured before and after, as a machine may change its speed meanwhile, and by the
generator of the overload, as both take from the same cores.
"""

import os
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from math import inf
from statistics import median

from load import Workload, at_rate, own_closed_loop
from plan import Answer
from result import Plot, Result, Session, Target
from summary import percentile

BEST_ROUNDS = 2
"""Before the overload, and after it again."""
FULL_SECONDS = 60
AFTER_SECONDS = 20
PROBE_RATE = 20
NORMAL_FACTOR = 2


def overload(session: Session) -> Result:
    workload = Workload(session.stack.url(), session.users.calls("GET", "/api/profile"))
    before = _best_rates(session, workload)
    normal = percentile(at_rate(workload, PROBE_RATE, session.seconds(10)).milliseconds, 99)
    result, seconds = Result(), session.seconds(FULL_SECONDS)
    with ThreadPoolExecutor(1) as beside:
        probing = beside.submit(
            lambda: at_rate(workload, PROBE_RATE, seconds + AFTER_SECONDS, is_checked=False)
        )
        offered = at_rate(workload, 2 * max(before), seconds, is_checked=False)
        answers = offered.answers
        probes = probing.result().answers

    bests = [*before, *_best_rates(session, workload)]
    best = result.add("best rate of good answers", "requests/s", *bests).median
    good = [it for it in answers if it.status == 200]
    refused = [it for it in answers if it.status == 503 and it.retry_after]
    rate = result.add("good answers", "requests/s", len(good) / seconds)
    result.add_percentiles("good answers", _milliseconds(good))
    result.add("refusals (503 with Retry-After)", "", len(refused))
    refusals = result.add_percentiles("refusals", _milliseconds(refused))
    result.add(f"normal p99 at {PROBE_RATE} requests/s", "ms", normal)
    ended = max(it.due for it in answers)
    after = seconds_until_normal(
        [it for it in probes if it.due > ended], ended, normal * NORMAL_FACTOR
    )
    result.add("normal again after", "s", after)
    share = offered.cpu_seconds / seconds / (os.cpu_count() or 1)
    result.add("load generator: CPU of all cores", "%", share * 100)
    if other := Counter(it.status for it in answers) - Counter({200: len(good), 503: len(refused)}):
        which = ", ".join(f"{count} times {status}" for status, count in other.items())
        result.void = f"answers that are neither good nor a refusal with Retry-After: {which}"
    result.targets += [
        Target("good answers of the best rate", rate.median / best, 0.8, "", "at least"),
        Target("p99 of refusals", refusals.median if refused else 0, 100, "ms"),
        Target("normal again after", after, 5, "s"),
    ]
    began = min(it.due for it in answers)
    series = {"good": _by_second(good, began), "refused": _by_second(refused, began)}
    drawn = {name: points for name, points in series.items() if points}
    title = "Answers by second at twice the best rate"
    result.plots.append(Plot(title, "lines", drawn, x_title="seconds"))
    return result


def _best_rates(session: Session, workload: Workload) -> list[float]:
    return [own_closed_loop(workload, session.seconds(5)).good_rate for _ in range(BEST_ROUNDS)]


def _milliseconds(answers: list[Answer]) -> list[float]:
    return [it.seconds * 1000 for it in answers]


def seconds_until_normal(probes: list[Answer], ended: float, limit_ms: float) -> int:
    """Seconds after `ended` until one began from which on no probe was refused, and half of those
    of each second took `limit_ms` at most.
    """
    by_second = defaultdict(list)
    for it in probes:
        by_second[int(it.due - ended)].append(it.seconds * 1000 if it.status == 200 else inf)
    bad = [second for second, it in by_second.items() if inf in it or median(it) > limit_ms]
    return max(bad, default=-1) + 1


def _by_second(answers: list[Answer], began: float) -> list[tuple[float, float]]:
    """How many came in each second."""
    seconds = Counter(int(it.due + it.seconds - began) for it in answers)
    return sorted(seconds.items())
