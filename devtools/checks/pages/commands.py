"""A `./dev …` that a page shows is one that ./dev knows, its options included."""

import re
import shlex
from collections.abc import Iterator
from itertools import takewhile

from typer.core import TyperCommand, TyperGroup, TyperOption

from devtools.checks.pages.page import pages
from devtools.checks.tree import Finding, Tree
from devtools.workspace.repository import npm_folders

SERVICE = re.compile(r"(?:back|front)-[a-z]+")
PLACEHOLDER = re.compile(r"[\[\]]|…|\.\.\.")
ENDS = {"|", "||", "&&", "&", ";", ">", "2>", "<", "./dev"}


def commands(tree: Tree, dev: TyperGroup) -> Iterator[Finding]:
    """Commands in fenced blocks and in backticks; `dev` is the whole of ./dev."""
    services = {member.name for member in tree.services}
    services |= {folder.name for folder in npm_folders(tree.root)}
    for page in pages(tree):
        for it in [*page.shell, *page.code]:
            for words in _calls(it.text):
                if wrong := _wrong(words, services, dev):
                    yield Finding(page.path, it.line, f"./dev {' '.join(words)}: {wrong}")


def _wrong(words: list[str], services: set[str], dev: TyperGroup) -> str:
    """Follows `words` through the commands of ./dev: what is unknown, empty when nothing is."""
    command: TyperCommand | TyperGroup = dev
    rest = iter(filter(None, words))
    for word in takewhile(lambda it: it != "--", rest):
        if word.startswith("-"):
            name, given, _ = word.partition("=")
            options = {
                opt: option
                for option in command.params
                if isinstance(option, TyperOption)
                for opt in (*option.opts, *option.secondary_opts)
            }
            if name in options:
                if not options[name].is_flag and not given:
                    next(rest, None)
            elif name != "--help" and not command.context_settings.get("ignore_unknown_options"):
                return f"{command.name} has no {name}, it has: {', '.join(sorted(options))}"
        elif isinstance(command, TyperGroup):
            context = command.make_context(command.name, [], resilient_parsing=True)
            found = command.get_command(context, word.partition("|")[0])
            if not isinstance(found, TyperCommand | TyperGroup):
                known = ", ".join(sorted(command.list_commands(context)))
                return f"there is no {word}, there are: {known}"
            command = found
        elif SERVICE.fullmatch(word) and word not in services and "new" not in words:
            return f"there is no service {word}"
    return ""


def _calls(text: str) -> Iterator[list[str]]:
    """The words after each ./dev."""
    if "./dev" not in text:
        return
    lexer = shlex.shlex(PLACEHOLDER.sub("", text), posix=True, punctuation_chars="();&")
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:  # an apostrophe: prose, no command
        return
    for at, word in enumerate(words):
        if word == "./dev":
            yield list(takewhile(lambda it: it not in ENDS, words[at + 1 :]))
