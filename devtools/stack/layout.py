"""Puts the topology on this machine: addresses, ports and container paths become local ones."""

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from devtools.stack.health import CommandProbe, Probe
from devtools.stack.process import MARKER
from devtools.stack.topology import Mount, Service, Topology
from devtools.workspace.errors import DevError
from devtools.workspace.processes import Command
from devtools.workspace.repository import ROOT, VENVS, Stack, member_of

SECRETS = PurePosixPath("/secrets")
TEMPORARY = PurePosixPath("/tmp")  # noqa: S108 - the container's
SERVICE_PATH = "/usr/local/bin:/usr/bin:/bin"
_INHERITED = {"HOME", "LANG", "LC_ALL", "TZ", "NO_PROXY", "HTTP_PROXY", "HTTPS_PROXY"}
_INHERITED |= {"no_proxy", "http_proxy", "https_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"}


@dataclass(frozen=True)
class LocalService:
    """One service as a process of this machine; `stated` is what docker-compose.yml says of it.

    `member` is whose environment runs it: none for an engine, whose `command` holds its arguments
    alone, and for a front, which is in the folder `front`.
    """

    stated: Service
    member: str | None
    front: Path | None
    command: Command
    ports: tuple[int, ...]
    probe: Probe | CommandProbe | None

    @property
    def name(self) -> str:
        return self.stated.name


class Layout:
    """Translates the services of one topology for one stack."""

    def __init__(self, topology: Topology, stack: Stack) -> None:
        self._topology = topology
        self._stack = stack
        names = "|".join(sorted(map(re.escape, topology.services), key=len, reverse=True))
        self._address = re.compile(rf"(?<![\w.-])({names}):(\d+)(?![\w.])")
        self._engine_data = {
            mount.source: stack.data / engine.name
            for engine in topology.services.values()
            for mount in engine.mounts
            if engine.is_engine and mount.is_volume and not mount.read_only
        }
        self._own_address = re.compile(r"(?<![\w.-])(127\.0\.0\.1|localhost):(\d+)")

    def local(self, service: Service) -> LocalService:
        folder = ROOT / service.folder if service.folder else None
        front = folder if folder and (folder / "package.json").exists() else None
        member = member_of(folder) if folder and not front else None
        has_project = folder and (front or (folder / "pyproject.toml").exists())
        home = folder if folder and has_project else ROOT
        argv = self._argv(service, member, service.command) if member else service.command
        environment = self._environment(service, member)
        health = service.healthcheck
        probe: Probe | CommandProbe | None = None
        if health and health.url:
            probe = Probe(self.port(service.name, health.url[0]), health.url[1])
        elif health and member:
            test = self._argv(service, member, health.test[1:])
            probe = CommandProbe(test, environment, home)
        command = Command(argv, environment, home, service.stop_signal, service.stop_grace_period)
        return LocalService(service, member, front, command, self.ports(service), probe)

    def port(self, service: str, target: int) -> int:
        """Where `service:target` of the topology answers on this machine."""
        here = self._topology.services[service]
        if here.is_engine:
            if here.local_port is None:
                raise DevError(f"{service} has no local port: give it x-local-port in Compose")
            return here.local_port + self._stack.offset
        published = {port.target: port.published for port in here.ports}
        return published.get(target, target) + self._stack.offset

    def ports(self, service: Service) -> tuple[int, ...]:
        if service.is_engine:
            return (self.port(service.name, 0),)
        return tuple(port.published + self._stack.offset for port in service.ports)

    def owner_of(self, engine: str) -> Service:
        """Who mounts the secrets of the engine; DevError where nobody does."""
        for owner in self._topology.owners_of(engine):
            if any(mount.target == SECRETS for mount in owner.mounts):
                return owner
        raise DevError(f"{engine} has no owner: no service with {SECRETS} depends on it")

    def secrets_of_owner(self, engine: str) -> Path:
        """The folder of secrets that the engine's owner mounts."""
        mounts = self.owner_of(engine).mounts
        return self._stack.volumes / next(it.source for it in mounts if it.target == SECRETS)

    def make_folders(self, service: Service) -> None:
        """The folder tree that stands for the container's: a link a mount, a folder a tmpfs."""
        for path in service.tmpfs:
            folder = self._local(service, path)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True, mode=0o700)
        for mount in service.mounts:
            source = self._source(mount)
            if mount.is_volume:
                source.mkdir(parents=True, exist_ok=True, mode=0o700)
            link = self._local(service, mount.target)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(source.resolve())

    def _source(self, mount: Mount) -> Path:
        if not mount.is_volume:
            return ROOT / mount.source
        return self._engine_data.get(mount.source, self._stack.volumes / mount.source)

    def _environment(self, service: Service, member: str | None) -> dict[str, str]:
        given = {key: self._value(service, key) for key in service.environment}
        if service.folder and (ROOT / service.folder / "kong.yml").exists():
            given |= self._urls()
        path = f"{VENVS / member / 'bin'}:{SERVICE_PATH}" if member else SERVICE_PATH
        inherited = {key: os.environ[key] for key in _INHERITED if key in os.environ}
        if TEMPORARY in service.tmpfs:
            inherited["TMPDIR"] = str(self._local(service, TEMPORARY))
        marker = {MARKER: str(self._stack.folder), "PYTHONUNBUFFERED": "1"}
        return {"PATH": path, **inherited, **given, **marker}

    def _urls(self) -> dict[str, str]:
        """Where the services of kong.yml are, whose names only Compose's DNS resolves."""
        return {
            f"{name.upper().replace('-', '_')}_URL": f"http://127.0.0.1:{self.ports(it)[0]}"
            for name, it in self._topology.services.items()
            if it.ports and not it.is_engine
        }

    def _value(self, service: Service, key: str) -> str:
        value = service.environment[key]
        if key.endswith("HOST"):
            local = value == "0.0.0.0" or value in self._topology.services  # noqa: S104 - compared
            return "127.0.0.1" if local else value
        if key.endswith("PORT") and value.isdecimal():
            host = service.environment.get(f"{key.removesuffix('PORT')}HOST", "")
            known = host in self._topology.services
            return str(self.port(host if known else service.name, int(value)))
        return self._text(service, value)

    def _argv(self, service: Service, member: str, command: Sequence[str]) -> tuple[str, ...]:
        program, *arguments = command
        return (
            str(VENVS / member / "bin" / program),
            *(self._text(service, argument) for argument in arguments),
        )

    def _text(self, service: Service, text: str) -> str:
        if text.startswith("/") and (local := self._path(service, text)):
            return local
        text = self._address.sub(
            lambda match: f"127.0.0.1:{self.port(match[1], int(match[2]))}", text
        )
        return self._own_address.sub(self._published, text)

    def _published(self, match: re.Match[str]) -> str:
        """An address as the browser sees it: shifted where this topology publishes the port."""
        published = {port.published for it in self._topology.services.values() for port in it.ports}
        number = int(match[2])
        return f"{match[1]}:{number + self._stack.offset if number in published else number}"

    def _path(self, service: Service, text: str) -> str | None:
        """The local path of a container path that is mounted, or that holds mounts."""
        path = PurePosixPath(text)
        places = [*service.tmpfs, *(mount.target for mount in service.mounts)]
        if any(path.is_relative_to(place) or place.is_relative_to(path) for place in places):
            return str(self._local(service, path))
        return None

    def _local(self, service: Service, path: PurePosixPath) -> Path:
        return self._stack.mounts / service.name / path.relative_to("/")
