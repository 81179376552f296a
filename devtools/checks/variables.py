"""docker-compose.yml sets no environment variable that nothing of the service reads."""

import re
from collections.abc import Iterator, Mapping

from devtools.checks.compose import Compose
from devtools.checks.tree import Finding, Member, Tree

READ_BY_PROGRAMS = re.compile(r"UVICORN_[A-Z_]+|TMPDIR")
"""By uvicorn and by Python's tempfile."""
LITERAL = re.compile(r"""environ(?:\.get\(|\[)\s*["'](\w+)["']""")
URLS = re.compile(r"\{service\.upper\(\).*\}_URL")
"""The gateway asks for the URL of each service that kong.yml names."""


def unread_variables(tree: Tree, fields: Mapping[str, set[str]]) -> Iterator[Finding]:
    """Variables that no field (`fields`, by service) and no `os.environ["NAME"]` of it reads."""
    compose = Compose(tree)
    members = {member.name: member for member in tree.members}
    for name, service in compose.services.items():
        member = members.get(service.get("build", {}).get("args", {}).get("SERVICE", ""))
        if member is None:
            continue
        known = fields.get(member.name, set()) | set(_literals(member))
        for variable in service.get("environment", {}):
            if variable not in known and not READ_BY_PROGRAMS.fullmatch(variable):
                what = (
                    f"{name} gets {variable}, and no settings class of {member.name} reads it. "
                    "Remove it, or add the field to Settings in its settings.py."
                )
                yield compose.finding(name, what, f"{variable}:")


def _literals(member: Member) -> Iterator[str]:
    for path in member.shipped:
        text = path.read_text()
        yield from LITERAL.findall(text)
        if URLS.search(text):
            for host in re.findall(
                r"https?://([\w-]+):\d+", (member.folder / "kong.yml").read_text()
            ):
                yield f"{host.upper().replace('-', '_')}_URL"
