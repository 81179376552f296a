"""Writes the figures as JSON and as a page with plots."""

import json
import os
import platform
import re
import shutil
import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pygal
from pygal.style import CleanStyle

from benchmarks.reads import control_us
from result import Benchmark, Plot, Result
from stack import ROOT
from summary import Figure, shown

LIBRARIES = ("fastapi", "uvicorn", "uvloop", "aiohttp", "pydantic", "asyncpg", "websockets")
_SCRIPT = re.compile("<script.*?</script>", re.DOTALL)
HEAD = """\
# Performance

Written by `./dev bench`, never by hand. A figure is the median of its rounds, with the lowest and \
the highest beside it. Control and subject run in alternating rounds. p50 and p99 are those of an \
open loop: requests are due at fixed times, and a latency counts from the time that its request \
was due. An answer that is not 2xx makes a run void. CPU is that of all processes of the stack, \
the supervisor and idle ones included. The load generator shares the cores with what it measures; \
nothing is subtracted for it.
"""
CONTROL_US_OF_TARGETS = 490
"""Microseconds of CPU that a read took one FastAPI and asyncpg process where the targets of times
were set."""


@dataclass(frozen=True)
class Machine:
    """What the figures were measured on."""

    date: str
    cpu: str
    cores: int
    memory_gib: float
    system: str
    revision: str
    versions: Mapping[str, str]

    @classmethod
    def here(cls) -> "Machine":
        cpu = platform.processor() or platform.machine()
        if (info := Path("/proc/cpuinfo")).exists():
            models = [it for it in info.read_text().splitlines() if it.startswith("model name")]
            cpu = models[0].partition(": ")[2] if models else cpu
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        git = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
        revision = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
        load = "wrk" if shutil.which("wrk") else "own generator"
        versions = {name: version(name) for name in LIBRARIES}
        tools = tomllib.loads((ROOT / "devtools" / "pyproject.toml").read_text())
        for engine in tools["dependency-groups"]["engines"]:
            name, _, number = engine.partition(" ")[0].partition("==")
            versions[name] = number
        return cls(
            date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            cpu=cpu,
            cores=os.cpu_count() or 1,
            memory_gib=round(pages / 2**30, 1),
            system=f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
            revision=revision or "unknown",
            versions={**versions, "closed loop": load},
        )


def write_json(path: Path, machine: Machine, results: Mapping[str, Result]) -> None:
    """All raw figures; a round is one value of `values`."""
    found = {name: asdict(result) for name, result in results.items()}
    path.write_text(json.dumps({"machine": asdict(machine), "results": found}, indent=1) + "\n")


def write_page(
    page: Path, machine: Machine, benchmarks: Sequence[Benchmark], results: Mapping[str, Result]
) -> None:
    """The page, and its plots in the folder of the same name beside it."""
    plots = page.with_suffix("")
    shutil.rmtree(plots, ignore_errors=True)
    plots.mkdir(parents=True)
    versions = ", ".join(f"{name} {text}" for name, text in machine.versions.items())
    measured_on = (
        f"{machine.date}, revision {machine.revision}, {machine.cores} cores of {machine.cpu}, "
        f"{machine.memory_gib:g} GiB, {machine.system}; {versions}.\n"
    )
    parts = [
        HEAD,
        measured_on,
        "## Targets\n" + _speed_of(results) + "\n" + targets_table(results),
    ]
    for benchmark in benchmarks:
        result = results[benchmark.name]
        section = [f"## {benchmark.name}\n{benchmark.measures}\n"]
        if result.void:
            section.append(f"**This run is void:** {result.void}\n")
        section += [f"{note}\n" for note in result.notes]
        section.append(figures_table(result.figures))
        for number, plot in enumerate(result.plots, 1):
            name = f"{benchmark.name}-{number}.svg"
            (plots / name).write_text(drawn(plot))
            section.append(f"![{plot.title}]({plots.name}/{name})\n")
        parts.append("\n".join(section))
    page.write_text("\n".join(part.strip() + "\n" for part in parts))


def targets_table(results: Mapping[str, Result]) -> str:
    """Each target of each benchmark, and whether it was met; times also divided by how much slower
    the machine is than that of the targets, where the control was measured.
    """
    slowness = _slowness(results)
    head = ["benchmark", "target", "measured", "met"]
    head += [f"measured / {slowness:.2f}"] if slowness else []
    lines = [_table_row(head), _table_row(["---"] * len(head))]
    for name, result in results.items():
        for it in result.targets:
            limit = f"{it.what}: {it.sense} {it.limit:g} {it.unit}".strip()
            met = "void" if result.void else "yes" if it.is_met else "no"
            row = [name, limit, f"{shown(it.measured)} {it.unit}", met]
            if slowness:
                row.append(f"{shown(it.measured / slowness)} {it.unit}" if it.is_time else "")
            lines.append(_table_row(row))
    return "\n".join(lines) + "\n"


def _table_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _slowness(results: Mapping[str, Result]) -> float | None:
    control = control_us(results)
    return control / CONTROL_US_OF_TARGETS if control else None


def _speed_of(results: Mapping[str, Result]) -> str:
    """Tells how the machine compares with the one for which the targets were set."""
    slowness = _slowness(results)
    if slowness is None:
        return ""
    return (
        f"The control of `two-hop-read` took {slowness * CONTROL_US_OF_TARGETS:,.0f} µs of CPU a "
        f"request in this run. A process of the same description took {CONTROL_US_OF_TARGETS} µs "
        f"where the targets of times were set, so the last column divides times by {slowness:.2f}. "
        "That is an estimate: it was another process, and a wait for a disk or a timer does not "
        "grow with the time of a processor.\n"
    )


def figures_table(figures: Sequence[Figure]) -> str:
    lines = ["| figure | median | range | unit | rounds |", "|---|---:|---:|---|---:|"]
    lines += [
        f"| {it.name} | {shown(it.median)} | {it.spread} | {it.unit} | {len(it.values)} |"
        for it in figures
    ]
    return "\n".join(lines) + "\n"


def drawn(plot: Plot) -> str:
    """The plot as SVG, without script."""
    kinds = {"bars": pygal.Bar, "stacked bars": pygal.StackedBar, "lines": pygal.XY}
    chart = kinds[plot.kind](
        title=plot.title,
        x_title=plot.x_title or None,
        style=CleanStyle,
        width=800,
        height=400,
        js=[],
        disable_xml_declaration=True,
        include_x_axis=True,
        truncate_label=-1,
        x_label_rotation=30 if len(plot.labels) > 6 else 0,
        show_dots=plot.kind == "lines" and max(map(len, plot.series.values())) < 30,
    )
    chart.x_labels = list(plot.labels) or None
    for name, values in plot.series.items():
        chart.add(name, list(values))
    return _SCRIPT.sub("", f"{chart.render(is_unicode=True)}\n")
