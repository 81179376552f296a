"""What real apps say of themselves, each in its own service's environment."""

import asyncio
import json
import logging
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from devtools.contracts.document_shapes import Schema
from devtools.workspace import environments
from devtools.workspace.errors import DevError
from devtools.workspace.processes import all_of, output_of
from shared.secrets_init import SecretsSettings, make_secrets
from shared.testing.yaml_source import load

SCRIPT = Path(__file__).with_name("print_app_document.py")
SIDE_BY_SIDE = max(2, os.cpu_count() or 2)
SECONDS = 120


@dataclass(frozen=True)
class App:
    """What `app.openapi()` gives, and the values of the settings where nothing is set."""

    openapi: Schema
    settings: Mapping[str, object]


async def apps(root: Path, services: Iterable[str]) -> dict[str, App]:
    """The app of each service; DevError names one that can't be made."""
    places = asyncio.Semaphore(SIDE_BY_SIDE)
    names = sorted(services)
    with tempfile.TemporaryDirectory(prefix="dev-contracts-") as folder:
        secrets = _throwaway_secrets(root, Path(folder), names)

        async def one(service: str) -> App:
            environment = {
                "SECRETS_DIR": str(secrets.secrets_root / service),
                "PUBLIC_KEYS_DIR": str(secrets.public_keys_dir),
            }
            async with places:
                return await _app(root / service, environment)

        return dict(zip(names, await all_of(*map(one, names)), strict=True))


def _throwaway_secrets(root: Path, folder: Path, services: list[str]) -> SecretsSettings:
    """An identity for each service, and what docker-compose.yml says some need besides."""
    compose = load((root / "docker-compose.yml").read_text())
    owners: str = compose["services"]["secrets-init"]["environment"]["SECRET_OWNERS"]
    known = {owner.partition(":")[0] for owner in owners.split()}
    for engine in re.findall(r"=([\w-]+)", owners):
        (folder / "data" / engine).mkdir(parents=True, exist_ok=True)
    settings = SecretsSettings(
        environment="development",
        secrets_root=folder / "secrets",
        public_keys_dir=folder / "public",
        engine_data_root=folder / "data",
        secret_owners=" ".join([owners, *(it for it in services if it not in known)]),
    )
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    make_secrets(settings)
    return settings


async def _app(folder: Path, secrets: dict[str, str]) -> App:
    python = await environments.sync(folder.name) / "bin" / "python"
    environment = {"PATH": os.environ["PATH"], **secrets}
    argv = [python, SCRIPT]
    try:
        code, output = await output_of(argv, cwd=folder, env=environment, timeout=SECONDS)
    except TimeoutError:
        raise DevError(f"{folder.name}/main.py: app() took longer than {SECONDS} s") from None
    last = output.rpartition("\n")[2]
    if code:
        said = last or f"exit code {code}"
        raise DevError(f"{folder.name}/main.py: app() can't be made: {said}")
    return App(**json.loads(last))
