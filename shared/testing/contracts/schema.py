"""The schema of a contract: what `shared/contracts/<feature>/feature.yaml` may say.

Unknown keys are refused, and nothing is converted: what stands there is what is meant.
"""

from collections import Counter
from typing import Annotated, Literal

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)


def _range(text: str) -> str:
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        raise ValueError('a range of versions is meant, like ">=1.0.0" or ">=1.2.0,<3"') from None
    return text


Kebab = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
Snake = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
Version = Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+$")]
Range = Annotated[str, AfterValidator(_range)]
EventType = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]*(\.[a-z][a-z_]*)+$")]
ModelName = Annotated[
    str, StringConstraints(pattern=r"^[a-z_]+\.[A-Z]\w*(\[[a-z_]+\.[A-Z]\w*\])?$")
]
"""`module.Model` of shared/models, or `module.Generic[module.Model]`."""
Path = Annotated[str, StringConstraints(pattern=r"^/\S*$")]
Status = Annotated[int, Field(ge=100, le=599)]
Codes = Annotated[list[Snake], Field(min_length=1)]


class Part(BaseModel):
    """A part of a contract."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Parameter(Part):
    """A parameter in a path, a query or a header. The short form is its type alone.

    `type` is one of TYPES or names a type of shared/models, like `user.Role`.
    """

    type: str
    required: bool = False
    default: int | str | None = None
    minimum: int | None = None
    maximum: int | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None


Parameters = dict[
    str,
    Annotated[Parameter, BeforeValidator(lambda it: {"type": it} if isinstance(it, str) else it)],
]


class Participant(Part):
    """A service that takes part, and what it provides."""

    name: Kebab
    provides: list[Kebab]


class Answer(Part):
    """The answer of a success: its status and either a model or another media type than JSON.

    One that is `partial` answers a request for a range with 206 and the part.
    """

    status: Annotated[int, Field(ge=200, le=299)]
    model: ModelName | None = None
    media_type: str | None = None
    partial: Literal[True] | None = None


class Operation(Part):
    """One method of one path of a service."""

    service: Kebab
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: Path

    @property
    def title(self) -> str:
        return f"{self.method} {self.path} of {self.service}"


class Endpoint(Operation):
    """What a service offers. `scope` marks what services call, `auth_required` the rest.

    `priority: critical` passes while a service refuses other requests because of its load;
    `held_open` is an answer that is a stream or a long poll, which no limit counts. One of
    `idempotency_key` takes the header and answers a repeat as the first time.
    """

    auth_required: bool | None = None
    permission: str | None = None
    scope: str | None = None
    callers: list[Kebab] = []
    parameters: Parameters = {}
    query: Parameters = {}
    headers: Parameters = {}
    request: ModelName | None = None
    response: Answer
    errors: dict[Annotated[int, Field(ge=400, le=599)], Codes] = {}
    idempotent: bool
    idempotency_key: bool = False
    priority: Literal["normal", "critical"] = "normal"
    held_open: bool = False

    @model_validator(mode="after")
    def _says_who_may_call(self) -> "Endpoint":
        if (self.scope is None) == (self.auth_required is None):
            raise ValueError(
                "either auth_required (people call it) or scope (services call it) is needed"
            )
        if self.permission and not self.auth_required:
            raise ValueError("permission needs auth_required: true")
        if self.scope and not self.callers:
            raise ValueError("scope needs callers: the services that may call it")
        if self.idempotency_key and not self.auth_required:
            raise ValueError("idempotency_key needs auth_required: true, for a key is a user's")
        return self


class Call(Operation):
    """A call that the feature makes to an endpoint of another contract."""

    caller: Kebab


class Event(Part):
    """An event of the outbox: who publishes it, and the consumers that get a delivery."""

    type: EventType
    version: Annotated[int, Field(ge=1)]
    payload: ModelName
    publisher: Kebab
    also_published_by: list[Kebab] = []
    consumers: Annotated[list[Kebab], Field(min_length=1)]

    @property
    def publishers(self) -> list[str]:
        return [self.publisher, *self.also_published_by]


class Consumer(Part):
    """A consumer of events by the name that `events` use, and the service that it is."""

    name: Kebab
    service: Kebab
    delivered_by: Kebab


class Stream(Part):
    """A resumable stream of entries."""

    name: Kebab
    entry: ModelName
    publisher: Kebab
    consumers: Annotated[list[Kebab], Field(min_length=1)]


class SocketEvent(Part):
    """An event that a socket makes itself: kept nowhere, delivered to nobody else."""

    type: EventType
    version: Annotated[int, Field(ge=1)]
    payload: ModelName | None = None


class Socket(Part):
    """A WebSocket: how it opens, what it says, how it closes."""

    service: Kebab
    path: Path
    query: Parameters = {}
    message: ModelName
    events: list[SocketEvent] = []
    refusals: dict[Status, Codes] = {}
    closes: dict[Annotated[int, Field(ge=1000, le=4999)], Snake] = {}


class Callback(Part):
    """A call against the direction of the dependencies, left out of the release order."""

    caller: Kebab
    callee: Kebab
    reason: Annotated[str, Field(min_length=1)]


class Number(Part):
    """A number that more than one service relies on, tied to the one place that sets it.

    `setting` is `service.field` of its Settings, or several where two services have one each;
    `constant` is `shared.module.NAME`; `environment` is `service.VARIABLE` of docker-compose.yml.
    """

    value: int | float | str
    setting: str | list[str] | None = None
    constant: str | None = None
    environment: str | None = None

    @model_validator(mode="after")
    def _says_what_it_is(self) -> "Number":
        if sum(it is not None for it in (self.setting, self.constant, self.environment)) != 1:
            raise ValueError(
                "one of setting, constant or environment is needed: what the number is in the code"
            )
        return self

    @property
    def settings(self) -> list[str]:
        """The settings that must have the value."""
        return [self.setting] if isinstance(self.setting, str) else self.setting or []


def _one_each(dependency: dict[str, str]) -> dict[str, str]:
    if len(dependency) != 1:
        raise ValueError('one service and its range is meant, like back-auth: ">=1.2.0"')
    return dependency


Dependency = Annotated[dict[Kebab, Range], AfterValidator(_one_each)]


class Contract(Part):
    """What services agree on for one feature."""

    name: Kebab
    version: Version
    type: Literal["cross-service", "internal"]
    summary: Annotated[str, Field(min_length=1)]
    flag: Snake | None = None
    services: Annotated[list[Participant], Field(min_length=1)]
    data_flow: list[str]
    dependencies: dict[Kebab, list[Dependency]]
    callbacks: list[Callback] = []
    endpoints: list[Endpoint] = []
    calls: list[Call] = []
    schemas: dict[Snake, ModelName] = {}
    events: list[Event] = []
    streams: list[Stream] = []
    sockets: list[Socket] = []
    consumers: list[Consumer] = []
    numbers: dict[Snake, Number] = {}

    @model_validator(mode="after")
    def _names_once(self) -> "Contract":
        for name, count in Counter(it.name for it in self.services).items():
            if count > 1:
                raise ValueError(f"services names {name} {count} times")
        return self

    @property
    def participants(self) -> list[str]:
        """The services that take part, in the order of the contract."""
        return [it.name for it in self.services]

    def ranges_of(self, service: str) -> dict[str, str]:
        """What `service` depends on, by name, and in which range of versions."""
        return {
            name: text for it in self.dependencies.get(service, []) for name, text in it.items()
        }
