# ruff: noqa: PLC0415 - a command imports what it needs when it runs, so that help is quick
"""The commands ./dev new, ./dev feature and ./dev service."""

import sys
from typing import Annotated

import typer

from devtools.workspace.errors import DevError
from devtools.workspace.repository import ROOT


def _group(text: str) -> typer.Typer:
    return typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        help=text,
    )


new = _group("Write a new feature or a new service, tests included.")
feature = _group("Tell how far a feature is, or take a generated one away.")
service = _group("Take a generated service away.")


@service.callback()
def _one_command_is_a_group_too() -> None:
    pass


@new.command("feature")
def new_feature(
    name: Annotated[str, typer.Argument(help="Like saved-searches.")],
    *,
    services: Annotated[
        str, typer.Option(help="Like back-api,back-postgres; asked for if left out.")
    ] = "",
    field: Annotated[
        list[str] | None,
        typer.Option(help="name:type (line, text, integer, boolean, instant, uuid); repeatable."),
    ] = None,
    item: Annotated[
        str | None, typer.Option(help="What one is called, where that is not the name without s.")
    ] = None,
    answer: Annotated[
        list[str] | None,
        typer.Option(help="Answer a question of the wizard, like data=records; repeatable."),
    ] = None,
) -> None:
    """A small CRUD feature across shared, back-postgres and back-api."""
    from devtools.scaffold import new_feature as new_feature_

    chosen = services.split(",") if services else _asked_for(answer)
    written = new_feature_.create(ROOT, name, chosen, field or [], item)
    typer.echo("\n".join(written))
    typer.echo(
        "\nIt is part of back-postgres and back-api now. Next: ./dev check, "
        "./dev test back-postgres back-api; in a running stack ./dev restart back-postgres, "
        "./dev restart back-api."
    )


@new.command("service")
def new_service(
    name: Annotated[str, typer.Argument(help="Like back-reports.")],
    *,
    port: Annotated[int | None, typer.Option(help="The next free one when left out.")] = None,
    public: Annotated[
        str | None, typer.Option(help="A prefix that the gateway routes to it, like /reports.")
    ] = None,
) -> None:
    """A service with one small feature, its place in the stack and its contract."""
    from devtools.scaffold import new_service as new_service_

    written = new_service_.create(ROOT, name, port, public)
    typer.echo("\n".join(written))
    typer.echo(f"\nNext: ./dev check {name}, ./dev test {name}, ./dev up.")


@feature.command("status")
def feature_status(
    name: str,
    *,
    write: Annotated[
        bool, typer.Option("--write", help="Put it into the section of CONTEXT.md.")
    ] = False,
) -> None:
    """What of a feature exists, layer by layer."""
    from devtools.scaffold import section, status

    typer.echo(status.table(status.layers(ROOT, name)), nl=False)
    if write:
        page = section.refresh(ROOT, name)
        if page is None:
            raise DevError(f"no CONTEXT.md has a section `{section.heading(name)}` with its table")
        typer.echo(f"\nwritten to {page}")


@feature.command("remove")
def remove_feature(name: str) -> None:
    """Take a generated feature away, unless it was edited since."""
    from devtools.scaffold import new_feature as new_feature_

    typer.echo("\n".join(new_feature_.remove(ROOT, name)))
    typer.echo(f"\n{name} is gone; a database that has its table keeps it until migrated down.")


@service.command("remove")
def remove_service(name: str) -> None:
    """Take a generated service away, unless it was edited since."""
    from devtools.scaffold import new_service as new_service_

    typer.echo("\n".join(new_service_.remove(ROOT, name)))


def _asked_for(answers: list[str] | None) -> list[str]:
    """The services by the wizard's questions, those that can't be generated named and left out."""
    from devtools.scaffold import scope
    from devtools.scaffold.new_feature import NOT_YET

    if answers:
        given = scope.answered(answers)
    elif sys.stdin.isatty():
        given = scope.asked(typer.prompt, typer.echo)
    else:
        raise DevError("say --services back-api,back-postgres, or run it on a terminal to be asked")
    found = scope.services(given)
    if not found:
        raise DevError("by these answers the feature touches no service")
    kind = scope.nearest(found)
    typer.echo(f"Services: {', '.join(found)}")
    typer.echo(f"Nearest kind: {kind.name}, like {kind.example}: {', '.join(kind.services)}")
    for service in found:
        if service in NOT_YET:
            typer.echo(f"Left to you: {service} ({NOT_YET[service]})")
    return [service for service in found if service not in NOT_YET]
