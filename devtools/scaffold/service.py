"""A service with one small feature: its folder, its place in the stack, its contract."""

import re
from dataclasses import dataclass
from pathlib import Path

from devtools.scaffold.insertion import AfterLast, Before, SortedLine, Word
from devtools.scaffold.names import Noun, service_name
from devtools.scaffold.plan import Edit, Plan
from devtools.scaffold.rendering import render
from devtools.scaffold.tools import formatted
from devtools.stack.layout import ENGINE_PORTS
from devtools.workspace.errors import DevError

FIRST_PORT = 8110


@dataclass(frozen=True)
class NewService:
    """What is asked for. `prefix` is empty for a service that the gateway routes nothing to."""

    name: str
    port: int
    prefix: str = ""

    @property
    def feature(self) -> Noun:
        """The one feature that it begins with, called like the service."""
        return Noun(self.name.removeprefix("back-"))


def asked_for(root: Path, name: str, port: int | None, public: str | None) -> NewService:
    """The service as it is to be; DevError for a name, port or prefix that can't be used."""
    service_name(name)
    compose = (root / "docker-compose.yml").read_text()
    taken = {int(it) for it in re.findall(r'"127\.0\.0\.1:(\d+):', compose)}
    taken |= set(ENGINE_PORTS.values())
    if port is None:
        port = next(it for it in range(FIRST_PORT, 2**16) if it not in taken)
    if port in taken or not 1024 <= port < 2**16:
        raise DevError(f"port {port} can't be used: choose a free one from 1024 to 65535")
    if public is None:
        return NewService(name, port)
    prefix = public.rstrip("/")
    if not re.fullmatch(r"(/[a-z0-9_-]+)+", prefix):
        raise DevError(f"--public {public!r}: a prefix like /reports is meant")
    if f"[{prefix}/]" in (root / "back-gateway" / "kong.yml").read_text():
        raise DevError(f"--public {public}: the gateway routes that prefix elsewhere already")
    return NewService(name, port, prefix)


def plan(service: NewService) -> Plan:
    """Every file of `service` and every line that makes it a part of the stack."""
    package, home = service.feature.snake, Path(service.name)
    values = {
        "service": service.name,
        "port": service.port,
        "prefix": service.prefix,
        "public": bool(service.prefix),
        "feature": service.feature.kebab,
        "package": package,
    }
    places = {
        Path("shared", "contracts", service.feature.kebab, "feature.yaml"): "shared/feature.yaml",
        Path("shared", "models", f"{package}.py"): "shared/models.py",
        home / "pyproject.toml": "pyproject.toml",
        home / "main.py": "main.py",
        home / "settings.py": "settings.py",
        home / "features" / package / "__init__.py": "feature.py",
        home / "features" / package / "api.py": "api.py",
        home / "features" / package / "domain.py": "domain.py",
        home / "tests" / "conftest.py": "tests/conftest.py",
        home / "tests" / f"test_{package}.py": "tests/test_feature.py",
        home / "CONTEXT.md": "context.md",
    }
    texts = {path: render(f"service/{name}", values) for path, name in places.items()}
    texts[home / "features" / "__init__.py"] = ""
    edits = _in_the_stack(service, render("service/compose.yml", values))
    if service.prefix:
        edits += _at_the_gateway(service, render("service/kong.yml", values))
    return Plan(formatted(texts), edits, [home])


def _in_the_stack(service: NewService, entry: str) -> list[Edit]:
    name = service.name
    member = SortedLine(r'^    "back-[a-z-]+",$', f'    "{name}",\n')
    compose = Path("docker-compose.yml")
    return [
        (Path("pyproject.toml"), member),
        (Path("ruff.toml"), member),
        (
            Path("Dockerfile"),
            SortedLine(
                r"^COPY back-[a-z-]+/pyproject\.toml ", f"COPY {name}/pyproject.toml {name}/\n"
            ),
        ),
        (
            Path("Dockerfile"),
            Word(r"/secrets-by-owner/back-workers(?= )", f" /secrets-by-owner/{name}"),
        ),
        (compose, Before(r"^  # Makes missing secrets", entry)),
        (compose, AfterLast(r"^        back-[a-z-]+(:\S+)?( \S+)*$", f"        {name}\n")),
        (
            compose,
            AfterLast(
                r"^      - secrets-back-[a-z-]+:/secrets-by-owner/",
                f"      - secrets-{name}:/secrets-by-owner/{name}\n",
            ),
        ),
        (compose, AfterLast(r"^  secrets-back-[a-z-]+: \{\}$", f"  secrets-{name}: {{}}\n")),
    ]


def _at_the_gateway(service: NewService, route: str) -> list[Edit]:
    name = service.name
    variable = f"      {name.replace('-', '_').upper()}_URL: http://{name}:{service.port}\n"
    listed = f'            "{service.prefix}/": "{name}",\n'
    return [
        (
            Path("docker-compose.yml"),
            AfterLast(r"^      BACK_[A-Z_]+_URL: ", variable, until=r"^  back-api:$"),
        ),
        (Path("back-gateway", "kong.yml"), Before(r"^plugins:$", route)),
        (
            Path("back-gateway", "tests", "test_kong.py"),
            AfterLast(r'^            "\S+": "back-[a-z-]+",$', listed),
        ),
    ]
