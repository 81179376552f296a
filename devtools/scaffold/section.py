"""The section on a feature in the CONTEXT.md of the service that decides its rules."""

import re
from pathlib import Path

from devtools.scaffold import status
from devtools.scaffold.insertion import Before, NoPlace, NotThere

PAGE = Path("back-api") / "CONTEXT.md"
_NEXT = r"^## Run and test"


def heading(feature: str) -> str:
    return f"## Feature {feature}"


def put(root: Path, feature: str, introduction: str) -> None:
    """Add the section, its table filled from what exists."""
    page = root / PAGE
    block = f"{introduction}\n{status.table(status.layers(root, feature))}\n"
    text = page.read_text()
    try:
        page.write_text(Before(_NEXT, block).add(text))
    except NoPlace:
        page.write_text(f"{text.rstrip()}\n\n{block.rstrip()}\n")


def refresh(root: Path, feature: str) -> str | None:
    """Fill the table of the section anew and name the page; None where no page has the section."""
    for page in sorted(root.glob("*/CONTEXT.md")):
        text = page.read_text()
        section = _section(text, feature)
        if section is None or status.HEADER not in section:
            continue
        start, _, rest = section.partition(status.HEADER)
        after = rest[len(_rows(rest)) :]
        filled = f"{start}{status.table(status.layers(root, feature))}{after}"
        page.write_text(text.replace(section, filled))
        return str(page.relative_to(root))
    return None


def is_edited(root: Path, feature: str, introduction: str) -> bool:
    """Whether the section says something else than it was given, its table apart."""
    try:
        _without((root / PAGE).read_text(), feature, introduction)
    except NotThere:
        return True
    return False


def take(root: Path, feature: str, introduction: str) -> None:
    """Remove the section, which is not edited."""
    page = root / PAGE
    page.write_text(_without(page.read_text(), feature, introduction))


def _without(text: str, feature: str, introduction: str) -> str:
    section = _section(text, feature)
    if section is None:
        raise NotThere(heading(feature))
    start, _, rest = section.partition(status.HEADER)
    if start != f"{introduction}\n" or rest[len(_rows(rest)) :].strip():
        raise NotThere(heading(feature))
    left = text.replace(section, "")
    return left if left.endswith("\n") and not left.endswith("\n\n") else f"{left.rstrip()}\n"


def _section(text: str, feature: str) -> str | None:
    match = re.search(
        rf"^{re.escape(heading(feature))}\n.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL
    )
    return match[0] if match else None


def _rows(text: str) -> str:
    return "".join(re.findall(r"\A(?:\|.*\n)*", text)[:1])
