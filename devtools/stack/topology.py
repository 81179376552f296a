"""The topology of docker-compose.yml: a closed subset of Compose, as frozen models."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath
from signal import Signals
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from devtools.workspace.errors import DevError
from shared.testing.yaml_source import Location, Mistake, Source

_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?::-([^}]*))?\}|)")
_PORT = re.compile(r"(?:[\d.]+:)?(?P<published>\d+):(?P<target>\d+)")
_URL = re.compile(r"https?://(?:127\.0\.0\.1|localhost):(\d+)(/[^\s'\"]*)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_COMPLETED = "service_completed_successfully"
Condition = Literal["service_started", "service_healthy", "service_completed_successfully"]


class TopologyError(DevError):
    """A topology that is not in the subset of Compose that ./dev up understands."""


@dataclass(frozen=True)
class Port:
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


def _port(value: object) -> Port:
    match = _PORT.fullmatch(str(value))
    if match is None:
        raise ValueError(f'{value!r}, expected "127.0.0.1:8000:8000"')
    return Port(int(match["published"]), int(match["target"]))


def _mount(value: object) -> Mount:
    source, _, rest = str(value).partition(":")
    target, _, mode = rest.partition(":")
    if not target.startswith("/") or mode not in {"", "ro", "rw"}:
        raise ValueError(f'{value!r}, expected "volume:/path" or "./path:/path:ro"')
    return Mount(source, PurePosixPath(target), mode == "ro")


def _tmpfs(value: object) -> PurePosixPath:
    return PurePosixPath(str(value).partition(":")[0])


def _duration(value: object) -> float:
    parts = _DURATION.findall(str(value))
    if not parts or "".join(map("".join, parts)) != value:
        raise ValueError(f"{value!r}, expected a duration such as 10s or 1m30s")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def _signal(value: object) -> Signals:
    if value not in Signals.__members__:
        raise ValueError(f"{value!r}, expected one of: {', '.join(sorted(Signals.__members__))}")
    return Signals[str(value)]


def _condition(value: object) -> object:
    if not isinstance(value, dict) or set(value) != {"condition"}:
        raise ValueError("expected condition alone")
    return value["condition"]


Seconds = Annotated[float, BeforeValidator(_duration)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Build(_Part):
    context: str = "."
    args: Mapping[str, str] = {}
    dockerfile: str = ""
    target: str = ""

    @property
    def folder(self) -> str:
        """The place of the source: the argument FOLDER or SERVICE, else the context."""
        named = self.args.get("FOLDER") or self.args.get("SERVICE")
        return named or self.context.removeprefix("./")

    @model_validator(mode="after")
    def _has_folder(self) -> Self:
        if self.folder == ".":
            raise ValueError("expected args with SERVICE, the folder of the service")
        return self


class Healthcheck(_Part):
    test: tuple[str, ...]
    interval: Seconds = 30.0
    timeout: Seconds = 30.0
    retries: int = 3
    start_period: Seconds = 0.0

    @property
    def url(self) -> tuple[int, str] | None:
        """Port and path of the URL in its test; None for a test without one."""
        url = _URL.search(" ".join(self.test))
        return (int(url[1]), url[2]) if url else None

    @model_validator(mode="after")
    def _is_command(self) -> Self:
        if len(self.test) < 2 or self.test[0] not in {"CMD", "CMD-SHELL"}:
            raise ValueError("expected a test that starts with CMD or CMD-SHELL and has a command")
        return self


class Service(_Part):
    """A service; one built from the repository has a `folder`. `<…>` keys are no keys of Compose.

    `read_only` to `security_opt` confine containers only: their shape is checked, no more.
    """

    name: str = Field(alias="<name>")
    is_stub: bool = Field(default=False, alias="<stub>")
    image: str | None = None
    local_port: int | None = Field(default=None, alias="x-local-port")
    build: Build | None = None
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}
    ports: tuple[Annotated[Port, BeforeValidator(_port)], ...] = ()
    mounts: tuple[Annotated[Mount, BeforeValidator(_mount)], ...] = Field((), alias="volumes")
    tmpfs: tuple[Annotated[PurePosixPath, BeforeValidator(_tmpfs)], ...] = ()
    networks: tuple[str, ...] = ()
    depends_on: Mapping[str, Annotated[Condition, BeforeValidator(_condition)]] = {}
    healthcheck: Healthcheck | None = None
    profiles: tuple[str, ...] = ()
    restart: Literal["no", "always", "on-failure", "unless-stopped"] = "no"
    stop_grace_period: Seconds = 10.0
    stop_signal: Annotated[Signals, BeforeValidator(_signal)] = Signals.SIGTERM
    read_only: bool = False
    init: bool = False
    user: str = ""
    working_dir: str = ""
    cap_drop: tuple[str, ...] = ()
    group_add: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()

    @property
    def folder(self) -> str | None:
        return self.build.folder if self.build else None

    @property
    def is_engine(self) -> bool:
        return self.build is None

    def prefix_of(self, engine: str) -> str:
        """How the variables begin that tell it of an engine: POSTGRES of POSTGRES_HOST."""
        hosts = (key for key, host in self.environment.items() if host == engine)
        return next(key.removesuffix("_HOST") for key in hosts if key.endswith("_HOST"))

    @property
    def is_job(self) -> bool:
        """A one-shot job: it runs once, and its exit code 0 is what others wait for."""
        return self.restart == "no" and self.healthcheck is None and not self.is_engine

    @model_validator(mode="after")
    def _can_start(self) -> Self:
        if not self.image and not self.build:
            raise ValueError("expected image or build")
        if self.build and not self.command:
            raise ValueError("expected a command")
        return self


class Network(_Part):
    internal: bool = False


class Topology(_Part):
    name: str = ""
    services: Mapping[str, Service]
    networks: Mapping[str, Network | None] = {}
    volumes: Mapping[str, _Part | None] = {}

    def with_profiles(self) -> Self:
        """Without the services of a profile: ./dev up has none."""
        return self._keep(name for name, it in self.services.items() if not it.profiles)

    def without(self, names: Collection[str]) -> Self:
        """Without these; an engine and its owner go together, and nobody waits for them."""
        self._check_names("--without", names, self.services)
        engines = [name for name in names if self.services[name].is_engine]
        owners = {owner.name for engine in engines for owner in self.owners_of(engine)}
        return self._keep(self.services.keys() - {*names} - owners).without_idle_engines()

    def with_stubs(self, names: Collection[str]) -> Self:
        """With stubs in place of these: they wait for nobody, and need no engine."""
        services = dict(self.services)
        self._check_names("--stub", names, [it for it in services if not services[it].is_engine])
        for name in names:
            services[name] = services[name].model_copy(update={"depends_on": {}, "is_stub": True})
        return self.model_copy(update={"services": services}).without_idle_engines()

    def without_idle_engines(self) -> Self:
        return self._keep(
            name for name, it in self.services.items() if not it.is_engine or self.owners_of(name)
        )

    @staticmethod
    def _check_names(option: str, names: Collection[str], known: Collection[str]) -> None:
        for name in names:
            if name not in known:
                there = ", ".join(sorted(known))
                raise TopologyError(f"{option} {name}: no such service, there are: {there}")

    def owners_of(self, engine: str) -> list[Service]:
        return [it for it in self.services.values() if engine in it.depends_on]

    def _keep(self, names: Iterable[str]) -> Self:
        kept = set(names)
        services = {name: it for name, it in self.services.items() if name in kept}
        for name, it in services.items():
            left = {on: how for on, how in it.depends_on.items() if on in kept}
            services[name] = it.model_copy(update={"depends_on": left})
        return self.model_copy(update={"services": services})


def load(path: Path, variables: Mapping[str, str]) -> Topology:
    """The topology in `path`; TopologyError with file and line for what is not in the subset."""
    try:
        source = Source(path.read_text(encoding="utf-8"), partial(_replaced, variables))
    except Mistake as mistake:
        raise TopologyError(f"{path.name}:{mistake}") from None

    def refusal(place: Location, problem: str) -> TopologyError:
        where = ".".join(it for it in place if isinstance(it, str) and "<" not in it)
        said = f"{where}: {problem}" if where else problem
        return TopologyError(f"{path.name}:{source.line(*place)}: {said}")

    given = source.value if isinstance(source.value, dict) else {}
    content = {key: it for key, it in given.items() if not key.startswith("x-")}
    if isinstance(services := content.get("services"), dict):
        content["services"] = {
            name: {**it, "<name>": name} if isinstance(it, dict) else it
            for name, it in services.items()
        }
    try:
        topology = Topology.model_validate(content)
    except ValidationError as refused:
        error = refused.errors()[0]
        unknown = f"unknown key, {Path(__file__).name} lists those that ./dev up reads"
        said = unknown if error["type"] == "extra_forbidden" else error["msg"]
        raise refusal(error["loc"], said.removeprefix("Value error, ")) from None
    for place, problem in _unknown_names(topology):
        raise refusal(place, problem)
    return topology


def _unknown_names(topology: Topology) -> Iterator[tuple[Location, str]]:
    """What refers to something that is not there, or waits for itself."""
    for name, service in topology.services.items():
        place = ("services", name)
        for number, network in enumerate(service.networks):
            if network not in topology.networks:
                yield (*place, "networks", number), f"no network {network}"
        for number, mount in enumerate(service.mounts):
            if mount.is_volume and mount.source not in topology.volumes:
                yield (*place, "volumes", number), f"no volume {mount.source}"
        for other, condition in service.depends_on.items():
            if other not in topology.services:
                yield (*place, "depends_on"), f"depends_on {other}, which is no service"
            elif condition == _COMPLETED and not topology.services[other].is_job:
                yield (
                    (*place, "depends_on", other),
                    'expected a job: restart: "no", without image and healthcheck',
                )
    graph = {name: list(it.depends_on) for name, it in topology.services.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as cycle:
        names: list[str] = cycle.args[1]
        yield ("services", names[0]), f"waits for itself: {' → '.join(reversed(names))}"


def _replaced(variables: Mapping[str, str], text: str) -> str:
    """`${NAME:-default}` as the variables say; ValueError for one without default."""

    def value(match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        if name is None and match[0] == "$$":
            return "$"
        if name is None or (name not in variables and default is None):
            expected = "expected ${NAME:-default}, or $$ for the sign itself"
            raise ValueError(f"{match[0]} has no default, {expected}")
        return variables.get(name) or default or ""

    return _VARIABLE.sub(value, text)
