"""Twice the best rate of reads by the gateway."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from load import Workload, at_rate, best_rate
from plan import Answer
from result import Plot, Result, Session, Target
from summary import percentile

BEST_ROUNDS = 3
FULL_SECONDS = 60
AFTER_SECONDS = 20
PROBE_RATE = 20
NORMAL_FACTOR = 2
REFUSED = 503


def overload(session: Session) -> Result:
    workload = Workload(session.stack.url(), session.users.calls("GET", "/api/profile"))
    bests = [best_rate(workload, session.seconds(5)).rate for _ in range(BEST_ROUNDS)]
    result = Result()
    best = result.add("best rate", "requests/s", *bests).median
    normal = _p99(at_rate(workload, PROBE_RATE, session.seconds(10)).answers)
    seconds = session.seconds(FULL_SECONDS)
    with ThreadPoolExecutor(1) as beside:
        probing = beside.submit(
            lambda: at_rate(workload, PROBE_RATE, seconds + AFTER_SECONDS, is_checked=False)
        )
        answers = at_rate(workload, 2 * best, seconds, is_checked=False).answers
        probes = probing.result().answers

    good, refused = _with(answers, 200), _with(answers, REFUSED)
    other = Counter(it.status for it in answers if it.status not in {200, REFUSED})
    rate = result.add("good answers", "requests/s", len(good) / seconds)
    result.add("good answers, p99", "ms", _p99(good))
    result.add("refusals (503)", "", len(refused))
    refusal = result.add("refusals, p99", "ms", _p99(refused))
    result.add("answers that are neither", "", other.total())
    result.add(f"normal p99 at {PROBE_RATE} requests/s", "ms", normal)
    back = result.add(
        "normal again after",
        "s",
        _until_normal(probes, max(it.due for it in answers), normal * NORMAL_FACTOR),
    )
    if other:
        which = ", ".join(f"{number} times {status}" for status, number in other.items())
        result.void = f"answers other than 200 and {REFUSED}: {which}"
    result.targets += [
        Target("good answers of the best rate", rate.median / best, 0.8, "", "at least"),
        Target("p99 of refusals", refusal.median if refused else 0, 100, "ms"),
        Target("normal again after", back.median, 5, "s"),
    ]
    result.plots.append(_by_second(answers))
    return result


def _with(answers: list[Answer], status: int) -> list[Answer]:
    return [it for it in answers if it.status == status]


def _p99(answers: list[Answer]) -> float:
    return percentile([it.seconds * 1000 for it in answers], 99)


def _until_normal(probes: list[Answer], ended: float, limit_ms: float) -> float:
    """Seconds from the end of the load until the last probe that was slow or refused was due."""
    bad = [it.due for it in probes if it.status != 200 or it.seconds * 1000 > limit_ms]
    return max([0.0, *(due - ended for due in bad)])


def _by_second(answers: list[Answer]) -> Plot:
    """Answers by the second in which they came."""
    began = min(it.due for it in answers)
    series: dict[str, list[tuple[float, float]]] = {}
    for name, chosen in (("good", _with(answers, 200)), ("refused", _with(answers, REFUSED))):
        seconds = Counter(int(it.due + it.seconds - began) for it in chosen)
        series[name] = [(second, seconds[second]) for second in sorted(seconds)]
    series = {name: points for name, points in series.items() if points}
    return Plot("Answers by second at twice the best rate", "lines", series, x_title="seconds")
