"""docker-compose.yml: an engine meets its owner alone, who alone mounts its secrets."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from devtools.checks.tree import Finding, Tree

ENGINE = "engine-"
SECRETS = "secrets-"

SECRETS_JOB = "secrets-init"

Service = Mapping[str, Any]
"""An entry of docker-compose.yml as YAML gives it."""


def services_of(tree: Tree) -> dict[str, Service]:
    found: dict[str, Service] = yaml.safe_load((tree.root / "docker-compose.yml").read_text())[
        "services"
    ]
    return found


def engines_apart(tree: Tree) -> Iterator[Finding]:
    """Who joins the network of an engine, or is no engine, mounts the secrets of one owner."""
    path = tree.root / "docker-compose.yml"
    text = path.read_text()
    services = services_of(tree)
    owners = _owners(services)
    for name, service in services.items():
        if name == SECRETS_JOB:
            continue
        engines = [it for it in service.get("networks", []) if it.startswith(ENGINE)]
        held = _secrets(service)
        for engine in engines:
            owner = owners.get(engine)
            is_engine = service.get("networks") == [engine]
            if held - {owner} or (not is_engine and not held):
                yield Finding(
                    path,
                    line_of(text, name),
                    f"{name} joins {engine}, the network of {owner or 'nobody'} and its engine. "
                    "Leave it, and call the owner over the network services.",
                )
        for owner in sorted(held):
            if not engines and not _is_process_of(name, owner):
                yield Finding(
                    path,
                    line_of(text, name),
                    f"{name} mounts the secrets of {owner}: a service knows its own alone. "
                    f"Mount {SECRETS}{name}, and name what it needs in SECRET_OWNERS.",
                )


def _owners(services: Mapping[str, Service]) -> dict[str, str]:
    """The service that owns the engine of each network: it joins it under its own name."""
    return {
        network: name
        for name, service in services.items()
        for network in service.get("networks", [])
        if network.startswith(ENGINE) and _secrets(service) == {name}
    }


def _secrets(service: Service) -> set[str]:
    volumes = [volume.partition(":")[0] for volume in service.get("volumes", [])]
    return {name.removeprefix(SECRETS) for name in volumes if name.startswith(SECRETS)}


def _is_process_of(name: str, owner: str) -> bool:
    return name == owner or name.startswith(f"{owner}-")


def line_of(text: str, service: str) -> int:
    found = re.search(rf"^  {re.escape(service)}:", text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else 1
