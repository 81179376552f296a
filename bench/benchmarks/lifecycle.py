"""The start of the stack, and what it takes while nobody asks it anything."""

import time

from comparison import cpu_of
from processes import cpu_seconds, memory
from result import Plot, Result, Session, Target

REST_SECONDS = 30


def warm_start(session: Session) -> Result:
    seconds, cpu = [], []
    for _ in range(session.rounds(3)):
        session.stack.down()
        seconds.append(session.stack.up())
        cpu.append(sum(cpu_seconds(session.stack.pids).values()))
        session.say(f"ready after {seconds[-1]:.1f} s")
    result = Result()
    start = result.add("ready after", "s", *seconds)
    result.add("CPU until then, without ./dev itself", "s", *cpu)
    result.targets.append(
        Target("warm ./dev up, Cassandra and both fronts included", start.median, 15, "s")
    )
    return result


def at_rest(session: Session) -> Result:
    seconds = session.seconds(REST_SECONDS)
    with cpu_of(lambda: session.stack.pids) as cpu:
        time.sleep(seconds)
    used = memory(session.stack.pids)
    result = Result()
    for name in used:
        result.add(f"{name}: CPU", "% of a core", cpu[name] / seconds * 100)
        result.add(f"{name}: memory, PSS", "MiB", used[name].pss)
    whole = result.add("all: CPU", "% of a core", sum(cpu.values()) / seconds * 100)
    pss = result.add("all: memory, PSS", "MiB", sum(it.pss for it in used.values()))
    result.add("all: memory, RSS", "MiB", sum(it.rss for it in used.values()))
    result.targets += [
        Target("CPU at rest", whole.median, 9, "% of a core"),
        Target("memory at rest (PSS)", pss.median, 1290, "MiB"),
    ]
    plotted = {"PSS": [round(it.pss, 1) for it in used.values()]}
    result.plots.append(Plot("Memory at rest (MiB)", "bars", plotted, list(used)))
    return result
