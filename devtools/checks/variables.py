"""docker-compose.yml sets no environment variable that nothing of the service reads."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from devtools.checks.compose import Service, line_of, services_of
from devtools.checks.tree import Finding, Member, Tree

READ_BY_PROGRAMS = re.compile(r"UVICORN_[A-Z_]+|TMPDIR")
"""By uvicorn and by Python's tempfile."""
LITERAL = re.compile(r"""environ(?:\.get\(|\[)\s*["'](\w+)["']""")
URLS = re.compile(r"\{service\.upper\(\).*\}_URL")
"""The gateway asks for the URL of each service that kong.yml names."""


def unread_variables(tree: Tree, fields: Mapping[str, set[str]]) -> Iterator[Finding]:
    """Variables that no field (`fields`, by service) and no `os.environ["NAME"]` of it reads."""
    path = tree.root / "docker-compose.yml"
    text = path.read_text()
    members = {member.name: member for member in tree.members}
    for name, service in services_of(tree).items():
        member = members.get(_built_from(service))
        if member is None:
            continue
        known = fields.get(member.name, set()) | set(_literals(member))
        for variable in service.get("environment", {}):
            if variable not in known and not READ_BY_PROGRAMS.fullmatch(variable):
                line = line_of(text, name)
                lines = text.splitlines()[line:]
                offset = next((n for n, it in enumerate(lines, 1) if f"{variable}:" in it), 0)
                what = (
                    f"{name} gets {variable}, and no settings class of {member.name} reads it. "
                    "Remove it, or add the field to Settings in its settings.py."
                )
                yield Finding(path, line + offset, what)


def _built_from(service: Service) -> str:
    build = service.get("build")
    return str(build["args"]["SERVICE"]) if build else ""


def _literals(member: Member) -> Iterator[str]:
    for path in member.shipped:
        text = path.read_text()
        yield from LITERAL.findall(text)
        if URLS.search(text):
            yield from _urls(member.folder / "kong.yml")


def _urls(kong: Path) -> Iterator[str]:
    for host in re.findall(r"https?://([\w-]+):\d+", kong.read_text()):
        yield f"{host.upper().replace('-', '_')}_URL"
