# ruff: noqa: PLC0415 - a command imports what it needs when it runs, so that help is quick
"""The commands of ./dev."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from devtools.workspace.errors import DevError
from devtools.workspace.repository import Stack

EXAMPLES = """\b
Examples:
  ./dev up                           start everything here, Ctrl-C ends it
  ./dev up --detach                  start it in the background
  ./dev up --without cassandra       without Cassandra and its service
  ./dev logs back-api -f             follow one service
  ./dev admin create me@example.org  make the first administrator
  ./dev test back-api                test one part

Each command tells more with --help, for example: ./dev up --help
"""

app = typer.Typer(
    name="./dev",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Runs, tests and checks the Tools Dashboard. Needs neither Docker nor root.",
    epilog=EXAMPLES,
)
admin = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Make administrators: ./dev admin create EMAIL.",
)
app.add_typer(admin, name="admin")

_HANDED_OVER = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}

Without = Annotated[
    list[str] | None,
    typer.Option(help="Leave out an engine and its owner, for example cassandra."),
]
Stub = Annotated[
    list[str] | None,
    typer.Option(help="Put a stub in the place of a service, for example back-postgres."),
]


def main() -> None:
    try:
        app(prog_name="./dev")
    except KeyboardInterrupt:
        sys.exit(130)
    except DevError as error:
        sys.exit(f"dev: {error}")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        sys.exit(f"dev: {error.strerror or error}: {error.filename or ''}".rstrip(": "))


@app.callback()
def options(
    context: typer.Context,
    stack: Annotated[str, typer.Option(envvar="DEV_STACK", hidden=True)] = "",
    port_offset: Annotated[int, typer.Option(envvar="DEV_PORT_OFFSET", hidden=True)] = 0,
) -> None:
    context.obj = Stack.called(stack, port_offset)


@app.command()
def up(
    context: typer.Context,
    *,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return once it is ready.")
    ] = False,
    without: Without = None,
    stub: Stub = None,
) -> None:
    """Bring the whole stack up, engines included; Ctrl-C ends it."""
    from rich.console import Console

    from devtools.stack import up as up_

    start = up_.in_background if detach else up_.in_foreground
    start(context.obj, without or [], stub or [], Console())


@app.command()
def down(context: typer.Context) -> None:
    """End the stack and every process of it."""
    from devtools.stack import down as down_

    typer.echo(down_.down(context.obj))


@app.command()
def status(
    context: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show every service with its port and state."""
    from devtools.stack import control

    try:
        state = control.ask(context.obj.control, control.Request("status"))
    except control.NotRunning as problem:
        typer.echo(json.dumps({"phase": "down", "services": []}) if as_json else str(problem))
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(state.to_json())
    else:
        from rich.console import Console

        from devtools.stack.view import services_table

        Console().print(services_table(state))
    ready = all(service.state == "ready" for service in state.services)
    raise typer.Exit(0 if ready else 1)


@app.command()
def logs(
    context: typer.Context,
    service: Annotated[str | None, typer.Argument(help="One service; all when left out.")] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many to begin with.")] = 100,
) -> None:
    """Read the logs of all services, or of one."""
    from rich.console import Console

    from devtools.stack import log_reader

    log_reader.show(Console(highlight=False), context.obj.logs, service, lines, follow=follow)


@app.command()
def restart(context: typer.Context, service: str) -> None:
    """Restart one service and wait until it is ready."""
    from devtools.stack import control

    state = control.ask(context.obj.control, control.Request("restart", service))
    seconds = next(it.ready_after for it in state.services if it.name == service)
    typer.echo(f"{service} is ready again, {seconds or 0:.1f} s after its start.")


@app.command(context_settings=_HANDED_OVER)
def test(context: typer.Context) -> None:
    """Run all tests, or the tests of one part."""
    from devtools.testing.cli import app as testing

    testing(context.args, prog_name="./dev test")


@app.command(context_settings=_HANDED_OVER)
def stub(context: typer.Context) -> None:
    """Serve a service's OpenAPI document, before or without the service."""
    from devtools.stack.stub.cli import app as stubs

    stubs(context.args, prog_name="./dev stub")


@app.command(context_settings=_HANDED_OVER)
def milestone(context: typer.Context) -> None:
    """Run the gates of an integration milestone: 1, 2 or 3."""
    from devtools.testing.milestones.cli import app as milestones

    milestones(context.args, prog_name="./dev milestone")


@app.command(context_settings=_HANDED_OVER)
def check(context: typer.Context) -> None:
    """Lint, types, boundaries and contracts of every part."""
    from devtools.checks.cli import app as checks

    checks(context.args, prog_name="./dev check")


@app.command(context_settings=_HANDED_OVER)
def contracts(context: typer.Context) -> None:
    """What services agree on: write what follows from it, check it, compare it."""
    from devtools.contracts.entry import become

    become(context.args)


@app.command(context_settings=_HANDED_OVER)
def new(context: typer.Context) -> None:
    """Write a new feature or a new service, tests included."""
    from devtools.scaffold.cli import new as news

    news(context.args, prog_name="./dev new")


@app.command(context_settings=_HANDED_OVER)
def feature(context: typer.Context) -> None:
    """Tell how far a feature is, or take a generated one away."""
    from devtools.scaffold.cli import feature as features

    features(context.args, prog_name="./dev feature")


@app.command(context_settings=_HANDED_OVER)
def service(context: typer.Context) -> None:
    """Take a generated service away."""
    from devtools.scaffold.cli import service as services

    services(context.args, prog_name="./dev service")


@admin.command()
def create(
    context: typer.Context,
    email: str,
    *,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Make an administrator, or make an existing user one."""
    from devtools.stack import admin as admin_

    raise typer.Exit(admin_.create(context.obj, email, password_stdin=password_stdin))


@app.command("help")
def help_(context: typer.Context) -> None:
    """Show this overview."""
    typer.echo((context.parent or context).get_help())


@app.command(hidden=True)
def supervise(
    folder: Annotated[Path, typer.Option()],
    port_offset: Annotated[int, typer.Option()] = 0,
    without: Without = None,
    stub: Stub = None,
) -> None:
    """The process behind `up --detach`."""
    from devtools.stack import up as up_

    os.umask(0o022)
    up_.supervise(Stack(folder, port_offset), without or [], stub or [])
