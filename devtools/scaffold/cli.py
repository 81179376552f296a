# ruff: noqa: PLC0415 - a command imports what it needs when it runs, so that help is quick
"""The commands ./dev new, ./dev feature and ./dev service."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from devtools.workspace.errors import DevError
from devtools.workspace.repository import ROOT

Answers = Annotated[
    list[str] | None,
    typer.Option(
        "--answer", "--data", help="Answer a question of copier.yml, key=value; repeatable."
    ),
]
Defaults = Annotated[bool, typer.Option("--defaults", help="Ask nothing, take the defaults.")]


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
service = _group("Remove a generated service, add a copied one to contracts.")


@new.command("feature")
def new_feature(
    name: Annotated[str, typer.Argument(help="Like saved-searches.")],
    *,
    services: Annotated[
        str, typer.Option(help="Like back-api,back-postgres,front-public; asked for if left out.")
    ] = "",
    field: Annotated[
        list[str] | None,
        typer.Option(help="name:type (line, text, integer, boolean, instant, uuid); repeatable."),
    ] = None,
    item: Annotated[
        str | None, typer.Option(help="What one is called, where that is not the name without s.")
    ] = None,
    answer: Answers = None,
    defaults: Defaults = False,
) -> None:
    """A small CRUD feature across shared, back-postgres, back-api and, with pages, front-public."""
    given: dict[str, object] = {"name": name, **_pairs(answer)}
    given |= {"services": services.split(",")} if services else {}
    given |= {"fields": field} if field else {}
    given |= {"item": item} if item else {}
    _create("feature", given, ask=not (defaults or services or answer), instead="--services")
    typer.echo(
        "\nNext: ./dev check, ./dev test back-postgres back-api front-public, ./dev test "
        "adapters-back-api integration e2e browser; in a running stack ./dev restart of each "
        "service. Translate the Spanish names of its texts.ts: they are the English ones."
    )


@new.command("service")
def new_service(
    name: Annotated[str, typer.Argument(help="Like back-reports.")],
    *,
    port: Annotated[int | None, typer.Option(help="The next free one when left out.")] = None,
    public: Annotated[
        str | None,
        typer.Option(help="The prefix that the gateway routes to it; /reports when left out."),
    ] = None,
    answer: Answers = None,
    defaults: Defaults = False,
) -> None:
    """A service with one small feature, its place in the stack and its contract."""
    given: dict[str, object] = {"service": name, **_pairs(answer)}
    given |= {"port": port} if port is not None else {}
    given |= {"prefix": public.rstrip("/")} if public else {}
    ask = not (defaults or port or public or answer) and sys.stdin.isatty()
    _create("service", given, ask=ask)
    typer.echo(f"\nNext: ./dev check {name}, ./dev test {name}, ./dev up.")


@feature.command("status")
def feature_status(
    name: str,
    *,
    write: Annotated[
        bool, typer.Option("--write", help="Put it into the feature's CONTEXT.md.")
    ] = False,
) -> None:
    """What of a feature exists, layer by layer."""
    from devtools.scaffold import status

    typer.echo(status.table(status.layers(ROOT, name)), nl=False)
    if write:
        typer.echo(f"\nwritten to {status.refresh(ROOT, name)}")


@feature.command("remove")
def remove_feature(name: str) -> None:
    """Take a generated feature away, unless it was edited since."""
    from devtools.scaffold import generate

    folder = Path("back-api", "features", name.replace("-", "_"))
    typer.echo("\n".join(generate.remove("feature", folder)))
    typer.echo(f"\n{name} is gone; a database that has its table keeps it until migrated down.")


@service.command("remove")
def remove_service(name: str) -> None:
    """Take a generated service away, unless it was edited since."""
    from devtools.scaffold import generate

    typer.echo("\n".join(generate.remove("service", Path(name))))


@service.command("join")
def join_service(
    name: str,
    *,
    like: Annotated[str, typer.Option(help="The service whose contracts it joins.")],
    path: Annotated[
        list[str] | None, typer.Option(help="/api/=/reports/: where its paths begin; repeatable.")
    ] = None,
) -> None:
    """Add a copied service to the contracts of the other one."""
    from devtools.scaffold import generate

    typer.echo("\n".join(generate.join_contracts(name, like, _pairs(path))))


def _create(kind: str, given: dict[str, object], *, ask: bool, instead: str = "") -> None:
    from devtools.scaffold import generate

    if ask and not sys.stdin.isatty():
        raise DevError(f"say {instead} or --defaults, or run it on a terminal to be asked")
    typer.echo("\n".join(generate.create(kind, given, ask=ask)))


def _pairs(answers: list[str] | None) -> dict[str, str]:
    pairs = {}
    for word in answers or []:
        key, separator, value = word.partition("=")
        if not separator:
            raise DevError(f"--answer {word!r}: key=value is meant, key a question of copier.yml")
        pairs[key] = value
    return pairs
