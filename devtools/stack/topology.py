"""The topology of docker-compose.yml: a closed subset of Compose, as frozen types."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from signal import SIGTERM, Signals

from devtools.stack import compose_file
from devtools.stack.compose_file import TopologyError, Value

__all__ = ["Healthcheck", "Mount", "Port", "Service", "Topology", "TopologyError", "load"]

_ROOT_KEYS = {"name", "services", "networks", "volumes"}
_SERVICE_KEYS = {
    "build",
    "cap_drop",
    "command",
    "depends_on",
    "environment",
    "group_add",
    "healthcheck",
    "image",
    "init",
    "networks",
    "ports",
    "profiles",
    "read_only",
    "restart",
    "security_opt",
    "stop_grace_period",
    "stop_signal",
    "tmpfs",
    "user",
    "volumes",
    "working_dir",
}
_HEALTH_KEYS = {"test", "interval", "timeout", "retries", "start_period"}
_COMPLETED = "service_completed_successfully"
_CONDITIONS = {"service_started", "service_healthy", _COMPLETED}
_RESTARTS = {"no", "always", "on-failure", "unless-stopped"}
_PORT = re.compile(r"(?:(?P<host>[\d.]+):)?(?P<published>\d+):(?P<target>\d+)")
_URL = re.compile(r"https?://(?:127\.0\.0\.1|localhost):(\d+)(/[^\s'\"]*)")


@dataclass(frozen=True)
class Port:
    host: str
    published: int
    target: int


@dataclass(frozen=True)
class Mount:
    """`source` is the name of a volume, or a path of the repository where it starts with a dot."""

    source: str
    target: PurePosixPath
    read_only: bool

    @property
    def is_volume(self) -> bool:
        return not self.source.startswith(".")


@dataclass(frozen=True)
class Healthcheck:
    """`port` and `path` are those of the URL in its test; None for a test without one. Seconds."""

    test: tuple[str, ...]
    port: int | None
    path: str | None
    interval: float
    timeout: float
    retries: int
    start_period: float


@dataclass(frozen=True)
class Service:
    """`folder` is the place of its source, for what is built from the repository."""

    name: str
    image: str | None
    folder: str | None
    command: tuple[str, ...]
    environment: Mapping[str, str]
    ports: tuple[Port, ...]
    mounts: tuple[Mount, ...]
    tmpfs: tuple[PurePosixPath, ...]
    networks: tuple[str, ...]
    depends_on: Mapping[str, str]
    healthcheck: Healthcheck | None
    profiles: tuple[str, ...]
    restart: str
    stop_grace_period: float
    stop_signal: Signals
    is_stub: bool = False

    @property
    def is_engine(self) -> bool:
        return self.folder is None

    @property
    def is_job(self) -> bool:
        """A one-shot job: it runs once, and its exit code 0 is what others wait for."""
        return self.restart == "no" and self.healthcheck is None and not self.is_engine


@dataclass(frozen=True)
class Topology:
    name: str
    services: Mapping[str, Service]

    def with_profiles(self, profiles: Collection[str] = ()) -> "Topology":
        """Without the services whose profile was not asked for."""
        chosen = set(profiles)
        return self._keep(
            name for name, it in self.services.items() if not it.profiles or chosen & {*it.profiles}
        )

    def without(self, names: Collection[str]) -> "Topology":
        """Without these; an engine and its owner go together, and nobody waits for them."""
        for name in names:
            if name not in self.services:
                known = ", ".join(sorted(self.services))
                raise TopologyError(f"--without {name}: no such service, there are: {known}")
        engines = [name for name, it in self.services.items() if it.is_engine]
        gone = set(names)
        for engine in engines:
            if engine in gone:
                gone.update(owner.name for owner in self.owners_of(engine))
        for engine in engines:
            if {owner.name for owner in self.owners_of(engine)} <= gone:
                gone.add(engine)
        return self._keep(self.services.keys() - gone)

    def with_stubs(self, names: Collection[str]) -> "Topology":
        """With stubs in place of these: they wait for nobody, and need no engine."""
        services = dict(self.services)
        for name in names:
            if name not in services or services[name].is_engine:
                known = ", ".join(sorted(key for key, it in services.items() if not it.is_engine))
                raise TopologyError(f"--stub {name}: no such service, there are: {known}")
            services[name] = replace(services[name], depends_on={}, is_stub=True)
        return replace(self, services=services).without_idle_engines()

    def without_idle_engines(self) -> "Topology":
        return self._keep(
            name for name, it in self.services.items() if not it.is_engine or self.owners_of(name)
        )

    def owners_of(self, engine: str) -> list[Service]:
        return [it for it in self.services.values() if engine in it.depends_on]

    def _keep(self, names: Iterable[str]) -> "Topology":
        kept = set(names)
        return replace(
            self,
            services={
                name: replace(
                    it, depends_on={on: how for on, how in it.depends_on.items() if on in kept}
                )
                for name, it in self.services.items()
                if name in kept
            },
        )


def load(path: Path, variables: Mapping[str, str]) -> Topology:
    """The topology in `path`; TopologyError with file and line for what is not in the subset."""
    root = compose_file.read(path, variables)
    entries = {key: it for key, it in root.entries().items() if not key.startswith("x-")}
    for key, it in entries.items():
        if key not in _ROOT_KEYS:
            it.refuse(f"unknown key, expected one of: {', '.join(sorted(_ROOT_KEYS))}, x-…")
    if "services" not in entries:
        root.refuse("no services, expected the key services")
    networks = _networks(entries.get("networks"))
    volumes = _volumes(entries.get("volumes"))
    services: dict[str, Service] = {}
    places = entries["services"].entries()
    for name, value in places.items():
        services[name] = _service(name, value, networks, volumes)
    for name, value in places.items():
        _refuse_bad_dependencies(services, name, value)
    title = entries["name"].text() if "name" in entries else path.parent.name
    return Topology(title, services)


def _networks(value: Value | None) -> set[str]:
    if value is None:
        return set()
    networks = value.entries()
    for network in networks.values():
        for flag in network.fields({"internal"}).values():
            flag.flag()
    return set(networks)


def _volumes(value: Value | None) -> set[str]:
    if value is None:
        return set()
    volumes = value.entries()
    for volume in volumes.values():
        volume.fields(())
    return set(volumes)


def _service(name: str, value: Value, networks: set[str], volumes: set[str]) -> Service:
    entries = {key: it for key, it in value.entries().items() if not key.startswith("x-")}
    for key, it in entries.items():
        if key not in _SERVICE_KEYS:
            it.refuse(f"unknown key, expected one of: {', '.join(sorted(_SERVICE_KEYS))}, x-…")
    _check_confinement(entries)
    if "image" not in entries and "build" not in entries:
        value.refuse("expected image or build")
    folder = _folder(entries["build"]) if "build" in entries else None
    if folder and "command" not in entries:
        value.refuse("expected a command: without Docker nothing else tells how it starts")
    mounts = tuple(_mount(it, volumes) for it in _list(entries, "volumes"))
    restart = entries["restart"].one_of(_RESTARTS) if "restart" in entries else "no"
    grace = entries["stop_grace_period"].seconds() if "stop_grace_period" in entries else 10.0
    return Service(
        name=name,
        image=entries["image"].text() if "image" in entries else None,
        folder=folder,
        command=entries["command"].texts() if "command" in entries else (),
        environment=_environment(entries.get("environment")),
        ports=tuple(_port(it) for it in _list(entries, "ports")),
        mounts=mounts,
        tmpfs=tuple(PurePosixPath(it.text().partition(":")[0]) for it in _list(entries, "tmpfs")),
        networks=tuple(_known(it, networks, "network") for it in _list(entries, "networks")),
        depends_on=_depends_on(entries.get("depends_on")),
        healthcheck=_healthcheck(entries["healthcheck"]) if "healthcheck" in entries else None,
        profiles=tuple(it.text() for it in _list(entries, "profiles")),
        restart=restart,
        stop_grace_period=grace,
        stop_signal=_signal(entries["stop_signal"]) if "stop_signal" in entries else SIGTERM,
    )


def _check_confinement(entries: Mapping[str, Value]) -> None:
    """Keys that only containers heed: read for their shape, so that a slip is found here too."""
    for key in ("read_only", "init"):
        if key in entries:
            entries[key].flag()
    for key in ("user", "working_dir"):
        if key in entries:
            entries[key].quoted()
    for key in ("cap_drop", "group_add", "security_opt"):
        for it in _list(entries, key):
            it.quoted()


def _folder(build: Value) -> str:
    fields = build.fields({"context", "args", "dockerfile", "target"})
    context = fields["context"].text() if "context" in fields else "."
    arguments = fields["args"].entries() if "args" in fields else {}
    for argument in ("FOLDER", "SERVICE"):
        if argument in arguments:
            return arguments[argument].text()
    if context == ".":
        build.refuse("expected args with SERVICE, the folder of the service")
    return context.removeprefix("./")


def _environment(value: Value | None) -> dict[str, str]:
    if value is None:
        return {}
    return {key: it.quoted() for key, it in value.entries().items()}


def _port(value: Value) -> Port:
    match = _PORT.fullmatch(value.quoted())
    if match is None:
        value.refuse(f'{value.text()!r}, expected "127.0.0.1:8000:8000"')
    return Port(match["host"] or "0.0.0.0", int(match["published"]), int(match["target"]))  # noqa: S104


def _mount(value: Value, volumes: set[str]) -> Mount:
    source, _, rest = value.quoted().partition(":")
    target, _, mode = rest.partition(":")
    if not target.startswith("/") or mode not in {"", "ro", "rw"}:
        value.refuse(f'{value.text()!r}, expected "volume:/path" or "./path:/path:ro"')
    if not source.startswith("."):
        _known(value, volumes, "volume", source)
    return Mount(source, PurePosixPath(target), mode == "ro")


def _depends_on(value: Value | None) -> dict[str, str]:
    if value is None:
        return {}
    found: dict[str, str] = {}
    for name, it in value.entries().items():
        fields = it.fields({"condition"})
        if "condition" not in fields:
            it.refuse(f"expected condition: {' or '.join(sorted(_CONDITIONS))}")
        found[name] = fields["condition"].one_of(_CONDITIONS)
    return found


def _healthcheck(value: Value) -> Healthcheck:
    fields = value.fields(_HEALTH_KEYS)
    if "test" not in fields:
        value.refuse("expected test")
    test = fields["test"].texts()
    if not test or test[0] not in {"CMD", "CMD-SHELL"}:
        fields["test"].refuse("expected a list that starts with CMD or CMD-SHELL")
    if len(test) < 2:
        fields["test"].refuse("expected a command after CMD")
    url = _URL.search(" ".join(test))
    seconds = {key: fields[key].seconds() for key in fields if key not in {"test", "retries"}}
    return Healthcheck(
        test=test,
        port=int(url[1]) if url else None,
        path=url[2] if url else None,
        interval=seconds.get("interval", 30.0),
        timeout=seconds.get("timeout", 30.0),
        retries=fields["retries"].count() if "retries" in fields else 3,
        start_period=seconds.get("start_period", 0.0),
    )


def _signal(value: Value) -> Signals:
    return Signals[value.one_of([known.name for known in Signals])]


def _list(entries: Mapping[str, Value], key: str) -> list[Value]:
    return entries[key].items() if key in entries else []


def _known(value: Value, names: set[str], kind: str, name: str | None = None) -> str:
    name = name or value.text()
    if name not in names:
        value.refuse(f"no {kind} {name}, expected one of: {', '.join(sorted(names)) or 'none'}")
    return name


def _refuse_bad_dependencies(services: Mapping[str, Service], name: str, value: Value) -> None:
    seen: list[str] = []
    waiting = [name]
    while waiting:
        current = waiting.pop()
        seen.append(current)
        for other, condition in services[current].depends_on.items():
            if other not in services:
                value.refuse(f"depends_on {other}, which is no service")
            if condition == _COMPLETED and not services[other].is_job:
                value.refuse(
                    f'depends_on {other}: {condition} expects a job with restart: "no", '
                    "without image and healthcheck"
                )
            if other == name:
                value.refuse(f"waits for itself, by way of {', '.join(seen)}")
            if other not in seen:
                waiting.append(other)
