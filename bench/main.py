"""The command ./dev bench."""

import signal
import time
import traceback
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import BENCHMARKS
from load import VoidRun
from report import Machine, figures_table, targets_table, write_json, write_page
from result import Benchmark, Result, Session
from stack import ROOT, BenchStack, StackFailed
from users import Users

PAGE = ROOT / "docs" / "performance.md"
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def bench(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="All when left out.")
    ] = None,
    *,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the raw figures here.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="For trying out: a fifth of the time, no page.")
    ] = False,
    list_: Annotated[bool, typer.Option("--list", help="Only name the benchmarks.")] = False,
    port_offset: Annotated[int, typer.Option(help="Of the stack that is measured.")] = 3000,
) -> None:
    """Measure the stack against its controls. A run of all writes docs/performance.md."""
    if list_:
        typer.echo("\n".join(f"{it.name:<18} {it.measures}" for it in BENCHMARKS))
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the stack is taken down
    wanted = chosen(names or [])
    machine, began = Machine.here(), time.monotonic()
    results = _measured(wanted, BenchStack(port_offset, _say), is_quick=quick)
    if json_file:
        write_json(json_file, machine, results)
    if wanted == BENCHMARKS and not quick:
        write_page(PAGE, machine, BENCHMARKS, results)
        typer.echo(f"wrote {PAGE.relative_to(ROOT)} and its plots")
    typer.echo(f"\n{targets_table(results)}\nin {time.monotonic() - began:.0f} s")
    raise typer.Exit(1 if any(result.void for result in results.values()) else 0)


def chosen(names: list[str]) -> list[Benchmark]:
    """The benchmarks of these names, all for none. Raises BadParameter for an unknown one."""
    known = {it.name: it for it in BENCHMARKS}
    if unknown := [name for name in names if name not in known]:
        raise typer.BadParameter(f"there is no {unknown[0]!r}; there are: {', '.join(known)}")
    return [it for it in BENCHMARKS if it.name in (names or known)]


def _measured(wanted: list[Benchmark], stack: BenchStack, *, is_quick: bool) -> dict[str, Result]:
    session = Session(stack, Users(stack), is_quick, _say)
    try:
        typer.echo("starting the stack")
        stack.clear()
        stack.up()
        return {it.name: _one(it, session) for it in wanted}
    except StackFailed as failed:
        typer.echo(f"bench: {failed}", err=True)
        raise typer.Exit(1) from None
    finally:
        stack.down()


def _one(benchmark: Benchmark, session: Session) -> Result:
    typer.echo(f"\n{benchmark.name}: {benchmark.measures}")
    began = time.monotonic()
    try:
        result = benchmark.run(session)
    except VoidRun as void:
        result = Result(void=str(void))
    except Exception as failed:  # noqa: BLE001 - the benchmarks after it go on
        traceback.print_exc()
        result = Result(void=f"it ended with {type(failed).__name__}: {failed}")
    if result.void:
        typer.echo(f"void: {result.void}", err=True)
    for note in result.notes:
        typer.echo(note)
    typer.echo(f"{figures_table(result.figures)}({time.monotonic() - began:.0f} s)")
    return result


def _say(text: str) -> None:
    typer.echo(f"  {text}")


if __name__ == "__main__":
    app(prog_name="./dev bench")
