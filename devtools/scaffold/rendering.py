"""Templates into text. `<<name>>` is filled in, `{% … %}` decides; everything else stays."""

import textwrap
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent / "templates"

_environment = Environment(
    loader=FileSystemLoader(TEMPLATES),
    undefined=StrictUndefined,
    variable_start_string="<<",
    variable_end_string=">>",
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,  # noqa: S701 - source code, not HTML
)


def render(template: str, values: Mapping[str, object]) -> str:
    """The text of `templates/<template>.jinja`."""
    return _environment.get_template(f"{template}.jinja").render(values)


def wrapped(text: str, first: int = 0) -> str:
    """A list of SQL names in lines of at most 100 signs, the first of which begins at `first`."""
    return textwrap.fill(
        text,
        width=100,
        initial_indent=" " * first,
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )[first:]
