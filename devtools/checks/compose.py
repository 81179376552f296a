"""docker-compose.yml: an engine meets its owner alone, and no variable is set that nobody reads."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from devtools.checks.tree import Finding, Member, Tree
from shared.testing.yaml_source import load

ENGINE = "engine-"
SECRETS = "secrets-"
SECRETS_JOB = "secrets-init"
FRONT_KEY = ("back-gateway", "front")
"""The gateway knows the fronts by the key in their volume."""


class Compose:
    """docker-compose.yml: its services as YAML gives them."""

    def __init__(self, tree: Tree) -> None:
        self._path = tree.root / "docker-compose.yml"
        self._text = self._path.read_text()
        self.services: dict[str, dict[str, Any]] = load(self._text)["services"]

    def finding(self, service: str, what: str, word: str = "") -> Finding:
        """A finding at a service, or at the next `word` after its name."""
        found = re.search(rf"^  {re.escape(service)}:", self._text, re.MULTILINE)
        start = found.start() if found else 0
        return Finding.at(self._path, self._text, max(start, self._text.find(word, start)), what)


def engines_apart(tree: Tree) -> Iterator[Finding]:
    """Who joins the network of an engine, or is no engine, mounts the secrets of one owner."""
    compose = Compose(tree)
    services = {name: it for name, it in compose.services.items() if name != SECRETS_JOB}
    mounted = {name: set(_named(it, "volumes", SECRETS)) for name, it in services.items()}
    joined = {name: _named(it, "networks", ENGINE) for name, it in services.items()}
    # The owner of an engine joins its network under its own name.
    owners = {it: name for name in services for it in joined[name] if mounted[name] == {name}}
    for name, engines in joined.items():
        for engine in engines:
            owner = owners.get(engine)
            is_engine = services[name]["networks"] == [f"{ENGINE}{engine}"]
            if mounted[name] - {owner} or not (is_engine or mounted[name]):
                what = (
                    f"{name} joins {ENGINE}{engine}, the network of {owner or 'nobody'} and its "
                    "engine. Leave it, and call the owner over the network services."
                )
                yield compose.finding(name, what)
        for owner in sorted(mounted[name]):
            its_own = f"{name}-".startswith(f"{owner}-") or (name, owner) == FRONT_KEY
            if not engines and not its_own:
                what = (
                    f"{name} mounts the secrets of {owner}: a service knows its own alone. "
                    f"Mount {SECRETS}{name}, and name what it needs in SECRET_OWNERS."
                )
                yield compose.finding(name, what)


def _named(service: dict[str, Any], key: str, prefix: str) -> list[str]:
    """What the entries of a list that begin with `prefix` name after it."""
    names = [entry.partition(":")[0] for entry in service.get(key, [])]
    return [name.removeprefix(prefix) for name in names if name.startswith(prefix)]


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
