"""The command ./dev test."""

import asyncio
import signal
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Literal

import typer

from devtools.testing.engines import container_engine, embedded_engine
from devtools.testing.parts import chosen, parts
from devtools.testing.reports import Outcome, counts
from devtools.testing.run import TRIED_TWICE, PartRunner
from devtools.testing.stack import Target
from devtools.workspace.errors import DevError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(context_settings={"ignore_unknown_options": True})
def run(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PART] [-- PYTEST OPTIONS]", help="One part; all when left out."),
    ] = None,
    *,
    engines: Annotated[
        Literal["embedded", "docker"], typer.Option(help="What runs the data services' engines.")
    ] = "embedded",
    base_url: Annotated[str, typer.Option(help="Test this stack, not one of our own.")] = "",
    mail_url: Annotated[str, typer.Option(help="Its mailbox, by Mailpit's REST paths.")] = "",
    results: Annotated[
        Path | None, typer.Option(help="Keep reports and logs in this folder, for ./dev milestone.")
    ] = None,
    second_try: Annotated[
        bool,
        typer.Option(
            help=f"Run up to {TRIED_TWICE} failed tests of a part again, and name those that pass."
        ),
    ] = False,
    list_: Annotated[bool, typer.Option("--list", help="Only name the parts.")] = False,
) -> None:
    """Run all tests, or the tests of one part.

    Each part has its own process, environment and fresh engine.
    """
    if list_:
        typer.echo("\n".join(parts()))
        return
    names, arguments = _split(words or [])
    target = _target(base_url, mail_url)
    start_engine = container_engine if engines == "docker" else embedded_engine
    if results:
        results.mkdir(parents=True, exist_ok=True)
    runner = PartRunner(start_engine, _say, target, arguments, results, second_try)
    started = time.monotonic()
    try:
        outcomes = asyncio.run(until_terminated(runner.run(chosen(names))))
    except asyncio.CancelledError:
        raise typer.Exit(128 + signal.SIGTERM) from None
    for outcome in outcomes:
        for name in outcome.flaky:
            typer.echo(f"flaky: {name} ({outcome.part}) passed at its second try")
    typer.echo(f"in {time.monotonic() - started:.0f} s:")
    typer.echo(counts(outcomes))
    raise typer.Exit(1 if any(outcome.failed for outcome in outcomes) else 0)


async def until_terminated(work: Coroutine[None, None, list[Outcome]]) -> list[Outcome]:
    """Ends what runs on SIGTERM as on Ctrl-C: engines and stacks are cleaned up."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """The parts, which come first, and what pytest gets: from the first option on."""
    first = next((at for at, word in enumerate(words) if word.startswith("-")), len(words))
    return words[:first], [word for word in words[first:] if word != "--"]


def _target(base_url: str, mail_url: str) -> Target | None:
    if bool(base_url) != bool(mail_url):
        raise DevError("a stack elsewhere is named by both --base-url and --mail-url")
    return Target(base_url, mail_url) if base_url else None


def _say(outcome: Outcome) -> None:
    typer.echo(outcome.line)
    if outcome.failed or outcome.flaky:
        typer.echo(outcome.log)
