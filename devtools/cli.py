# ruff: noqa: PLC0415 - a command imports what it needs when it runs, so that help is quick
"""The commands of ./dev."""

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Literal, cast

import typer
from typer.core import TyperCommand, TyperGroup

from devtools.workspace.errors import DevError
from devtools.workspace.repository import Stack, profile_variables

EXAMPLES = """\b
Examples:
  ./dev up                           start everything here, Ctrl-C ends it
  ./dev up --detach                  start it in the background
  ./dev up --watch                   show a change of the code at once
  ./dev up --without cassandra       without Cassandra and its service
  ./dev up --port-offset 1000        beside another clone: every port plus 1000
  ./dev logs back-api -f             follow one service
  ./dev trace ID                     all that one request caused, over all services
  ./dev admin create me@example.org  make the first administrator
  ./dev test back-api                test one part
  ./dev bench two-hop-read           measure one thing

Each command tells more with --help, for example: ./dev up --help
"""

LAZY = {
    "test": "devtools.testing.cli:app",
    "drill": "devtools.testing.drills:app",
    "check": "devtools.checks.run:app",
    "contracts": "devtools.contracts.cli:app",
    "stub": "devtools.stack.stub:app",
    "milestone": "devtools.testing.milestones:app",
    "new": "devtools.scaffold.cli:new",
    "feature": "devtools.scaffold.cli:feature",
    "service": "devtools.scaffold.cli:service",
}


PASSED_ON = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}
"""The context of a command that hands its arguments to another program."""

Found = TyperCommand | TyperGroup | None


class LazyGroup(TyperGroup):
    """Imports a command of another room when it is called, so that the rest is quick."""

    def list_commands(self, ctx: object) -> list[str]:  # noqa: ARG002 - as the base has it
        return [*self.commands, *LAZY]

    def get_command(self, ctx: object, cmd_name: str) -> Found:  # noqa: ARG002 - the same
        found = self.commands.get(cmd_name)
        if cmd_name in LAZY:
            module, _, name = LAZY[cmd_name].partition(":")
            found = typer.main.get_command(getattr(import_module(module), name))
        return cast("Found", found)


def command_tree() -> TyperGroup:
    """Every command of ./dev with its options."""
    return cast("TyperGroup", typer.main.get_command(app))


app = typer.Typer(
    name="./dev",
    cls=LazyGroup,
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

_STACK = "A further stack of this clone; its state is in .run/stacks/NAME."
_OFFSET = "Add N to every port, so that two stacks run on one machine."
StackName = Annotated[str, typer.Option("--stack", envvar="DEV_STACK", metavar="NAME", help=_STACK)]
PortOffset = Annotated[
    int, typer.Option(envvar="DEV_PORT_OFFSET", metavar="N", min=0, max=50_000, help=_OFFSET)
]
Names = list[str] | None
Without = Annotated[Names, typer.Option(help="Leave out an engine and its owner: cassandra.")]
Profile = Annotated[
    Literal["load"] | None,
    typer.Option(help="load: lift the limits of a network, for drills and benchmarks."),
]
Watch = Annotated[
    bool,
    typer.Option("--watch", help="Show changes at once: fronts reload, services restart."),
]
Stub = Annotated[Names, typer.Option(help="Put a stub in the place of a service: back-postgres.")]


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
def options(context: typer.Context, stack: StackName = "", port_offset: PortOffset = 0) -> None:
    context.obj = Stack.called(stack, port_offset)


@app.command()
def up(  # noqa: PLR0913 - one an option
    context: typer.Context,
    *,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return once ready.")] = False,
    without: Without = None,
    stub: Stub = None,
    profile: Profile = None,
    seed: Annotated[bool, typer.Option("--seed", help="Then do ./dev seed.")] = False,
    watch: Watch = False,
    stack: StackName = "",
    port_offset: PortOffset = 0,
) -> None:
    """Bring the whole stack up, engines included; Ctrl-C ends it."""
    from rich.console import Console

    from devtools.stack.control import StartOptions

    if profile:
        os.environ.update(profile_variables(profile) | os.environ)

    chosen = Stack.called(stack, port_offset) if stack or port_offset else context.obj
    options = StartOptions(without or [], stub or [], watch)
    module = import_module(f"devtools.stack.{'background' if detach else 'up'}")
    console = Console()

    def seeded() -> None:
        from devtools.stack import seed as demo

        demo.seed(chosen, console)

    module.up(chosen, options, console, seeded if seed else None)


@app.command()
def down(context: typer.Context) -> None:
    """End the stack and every process of it."""
    from devtools.stack import background

    typer.echo(background.down(context.obj))


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
    ready = all(service.is_up for service in state.services)
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

    from devtools.stack.logs import show

    show(Console(highlight=False), context.obj.logs, service, lines, follow=follow)


@app.command()
def trace(
    context: typer.Context,
    correlation_id: Annotated[str, typer.Argument(metavar="ID", help="X-Correlation-ID.")],
) -> None:
    """Print all that one request caused, over all services, in the order of time.

    ID is the X-Correlation-ID that every answer has, or the id of a trace, an event or a task.
    """
    from rich.console import Console

    from devtools.stack import logs as logs_

    logs_.trace(Console(highlight=False), context.obj.logs, correlation_id)


@app.command()
def restart(context: typer.Context, service: str) -> None:
    """Restart one service and wait until it is ready."""
    from devtools.stack import control

    state = control.ask(context.obj.control, control.Request("restart", service))
    seconds = next(it.ready_after for it in state.services if it.name == service)
    typer.echo(f"{service} is ready again, {seconds or 0:.1f} s after its start.")


@app.command(context_settings=PASSED_ON)
def bench(context: typer.Context) -> None:
    """Measure speed against controls; a run of all writes docs/performance.md."""
    import asyncio

    from devtools.workspace import environments
    from devtools.workspace.repository import ROOT

    python = asyncio.run(environments.sync("bench")) / "bin" / "python"
    if offset := context.obj.offset:
        context.args += ["--port-offset", str(offset)]
    os.chdir(ROOT / "bench")
    os.execv(python, [str(python), "main.py", *context.args])  # noqa: S606 - no shell


@app.command()
def screenshots(context: typer.Context) -> None:
    """Take the pictures of docs/screenshots from the running stack, filled by ./dev seed."""
    import asyncio

    from rich.console import Console

    from devtools.stack import seed
    from devtools.workspace import environments
    from devtools.workspace.repository import ROOT

    password = seed.seed(context.obj, Console())
    groups = ("dev", "e2e", "browser")
    python = asyncio.run(environments.sync("tools-dashboard", groups)) / "bin" / "python"
    argv = [str(python), "-m", "tests.browser.screenshots", "--password", password]
    os.chdir(ROOT)
    os.execv(python, [*argv, "--base-url", f"http://127.0.0.1:{8000 + context.obj.offset}"])  # noqa: S606 - no shell


@admin.command()
def create(
    context: typer.Context,
    email: str,
    *,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read it from standard input.")
    ] = False,
) -> None:
    """Make an administrator, or make an existing user one."""
    from devtools.stack import back_api_command

    arguments = [email, *(["--password-stdin"] if password_stdin else [])]
    module = "features.user_administration"
    raise typer.Exit(back_api_command.run(context.obj, module, arguments))


@app.command("seed")
def seed_(context: typer.Context) -> None:
    """Fill a running development stack with demo accounts, tools and messages; repeatable."""
    from rich.console import Console

    from devtools.stack import seed

    seed.seed(context.obj, Console())


@app.command(context_settings=PASSED_ON)
def events(context: typer.Context) -> None:
    """Deliveries of events: list, show ID, dead, replay [ID], stats; each takes --help, --json."""
    from devtools.stack import back_api_command

    module = "features.event_administration"
    raise typer.Exit(back_api_command.run(context.obj, module, context.args))


@app.command(context_settings=PASSED_ON)
def reconcile(context: typer.Context) -> None:
    """Find and mend what disagrees between outbox, timelines and unread counts; see --help."""
    from devtools.stack import back_api_command

    module, arguments = "features.event_administration", ["reconcile", *context.args]
    raise typer.Exit(back_api_command.run(context.obj, module, arguments))


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
    *,
    watch: Watch = False,
) -> None:
    """The process behind `up --detach`."""
    from devtools.stack import up as up_
    from devtools.stack.control import StartOptions

    os.umask(0o022)
    options = StartOptions(without or [], stub or [], watch)
    up_.supervise(Stack(folder, port_offset), options)
