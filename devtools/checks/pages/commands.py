"""A `./dev …` that a page shows is one that ./dev knows, its options included."""

import re
import shlex
from collections.abc import Iterator

from typer.core import TyperCommand, TyperGroup, TyperOption

from devtools.checks.pages.page import Text, pages
from devtools.checks.tree import Finding, Tree

SERVICE = re.compile(r"(?:back|front)-[a-z]+")
PLACEHOLDER = re.compile(r"[\[\]]|…|\.\.\.")
SEPARATORS = {"|", "||", "&&", "&", ";", ">", "2>", "<"}


class Wrong(Exception):
    """What is wrong with a command."""


def commands(tree: Tree, dev: TyperGroup) -> Iterator[Finding]:
    """Commands in fenced blocks and in backticks; `dev` is the whole of ./dev."""
    services = {member.name for member in tree.services}
    for page in pages(tree):
        for it in [*page.shell, *page.code]:
            for words in _calls(it):
                try:
                    parse(words, services, dev)
                except Wrong as wrong:
                    yield Finding(page.path, it.line, f"./dev {' '.join(words)}: {wrong}")


def parse(words: list[str], services: set[str], dev: TyperGroup) -> None:
    """Follow `words` through the commands of ./dev; Wrong where there is no such way."""
    command: TyperCommand | TyperGroup = dev
    rest = [word for word in words if word]
    while rest:
        word = rest.pop(0)
        if word == "--":
            return
        if word.startswith("-"):
            if _takes_value(command, word) and rest:
                rest.pop(0)
        elif isinstance(command, TyperGroup):
            command = _subcommand(command, word.partition("|")[0])
        elif SERVICE.fullmatch(word) and word not in services and "new" not in words:
            raise Wrong(f"there is no service {word}")


def _subcommand(group: TyperGroup, name: str) -> TyperCommand | TyperGroup:
    command = group.commands.get(name)
    if command is None:
        raise Wrong(f"there is no {name}, there are: {', '.join(sorted(group.commands))}")
    if not isinstance(command, TyperCommand | TyperGroup):
        raise TypeError(name)
    return command


def _takes_value(command: TyperCommand | TyperGroup, word: str) -> bool:
    name, given, _ = word.partition("=")
    options = [it for it in command.params if isinstance(it, TyperOption)]
    for option in options:
        if name in {*option.opts, *option.secondary_opts}:
            return not option.is_flag and not given
    if name == "--help" or command.context_settings.get("ignore_unknown_options"):
        return False
    known = sorted(opt for option in options for opt in option.opts)
    raise Wrong(f"{command.name} has no {name}, it has: {', '.join(known) or 'no options'}")


def _calls(it: Text) -> Iterator[list[str]]:
    if "./dev" not in it.text:
        return
    lexer = shlex.shlex(PLACEHOLDER.sub("", it.text), posix=True, punctuation_chars="();&")
    lexer.commenters = "#"
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:  # an apostrophe: prose, no command
        return
    for at, word in enumerate(words):
        if word == "./dev":
            rest = words[at + 1 :]
            ends = (
                end for end, other in enumerate(rest) if other in SEPARATORS or other == "./dev"
            )
            yield rest[: next(ends, len(rest))]
