"""The subset of Kong's declarative format that `kong.yml` may use; the rest is refused."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

URL = r"^http://[a-z0-9.-]+:[0-9]{1,5}$"
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
Milliseconds = Annotated[int, Field(gt=0)]
Url = Annotated[str, Field(pattern=URL)]
Header = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")]
Origin = Annotated[str, Field(pattern=r"^https?://[a-z0-9.-]+(:[0-9]{1,5})?$")]
PREFIX = r"^(/[a-z0-9._-]+)+/$"
EXACT = r"^~(/([a-z0-9_-]|\\\.)+)+\$$|^~/\$$"
RoutePath = Annotated[str, Field(pattern=f"{PREFIX}|{EXACT}")]
"""A prefix such as `/api/`, or an exact path such as `~/health$` or `~/$`, with a dot as `\\.`."""


def exact_path(path: str) -> str:
    """The path that an exact one stands for, without the signs of a pattern."""
    return path[1:-1].replace("\\.", ".")


class Refused(Exception):
    """A setting that this gateway does not support; the message names file and place."""


class KongModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class RateLimiting(KongModel):
    minute: Annotated[int, Field(gt=1)]
    limit_by: Literal["ip"]
    policy: Literal["local"]


class RateLimitingPlugin(KongModel):
    name: Literal["rate-limiting"]
    config: RateLimiting


class Route(KongModel):
    """`critical` in `tags`: never shed because of load; `long-lived`: not a limited request.

    With a plugin of its own, a route counts its requests apart from those of the others.
    """

    name: Name
    paths: Annotated[list[RoutePath], Field(min_length=1)]
    strip_path: Literal[False]
    tags: Annotated[list[Literal["critical", "long-lived"]], Field(max_length=1)] = []
    plugins: Annotated[list[RateLimitingPlugin], Field(max_length=1)] = []

    @property
    def rate_limiting(self) -> RateLimiting | None:
        """The limit that replaces that of all routes."""
        return self.plugins[0].config if self.plugins else None


class Service(KongModel):
    name: Name
    url: Url
    connect_timeout: Milliseconds
    write_timeout: Milliseconds
    read_timeout: Milliseconds
    retries: Literal[0]
    routes: Annotated[list[Route], Field(min_length=1)]

    @property
    def address(self) -> str:
        """`host:port` of the service."""
        return urlsplit(self.url).netloc


class Cors(KongModel):
    origins: Annotated[list[Origin], Field(min_length=1)]
    methods: list[Literal["GET", "POST", "PUT", "PATCH", "DELETE"]]
    headers: list[Header]
    exposed_headers: list[Header]
    credentials: bool
    max_age: Annotated[int, Field(gt=0)]


class RequestSizeLimiting(KongModel):
    allowed_payload_size: Annotated[int, Field(gt=0)]
    size_unit: Literal["megabytes"]


class CorrelationId(KongModel):
    header_name: Literal["X-Correlation-ID"]
    generator: Literal["uuid"]
    echo_downstream: Literal[True]


class CorsPlugin(KongModel):
    name: Literal["cors"]
    config: Cors


class RequestSizeLimitingPlugin(KongModel):
    name: Literal["request-size-limiting"]
    config: RequestSizeLimiting


class CorrelationIdPlugin(KongModel):
    name: Literal["correlation-id"]
    config: CorrelationId


Plugin = Annotated[
    CorsPlugin | RateLimitingPlugin | RequestSizeLimitingPlugin | CorrelationIdPlugin,
    Field(discriminator="name"),
]
PLUGINS = frozenset({"cors", "rate-limiting", "request-size-limiting", "correlation-id"})


class Kong(KongModel):
    """The content of `kong.yml`. Each plugin is configured once for all routes; a route may have a
    rate limit of its own.
    """

    format_version: Literal["3.0"] = Field(alias="_format_version")
    services: Annotated[list[Service], Field(min_length=1)]
    plugins: list[Plugin]

    @model_validator(mode="after")
    def _is_unique(self) -> Self:
        routes = [route for service in self.services for route in service.routes]
        _refuse_repeated("service name", (service.name for service in self.services))
        _refuse_repeated("route name", (route.name for route in routes))
        _refuse_repeated("path", (path for route in routes for path in route.paths))
        _refuse_repeated("plugin", (plugin.name for plugin in self.plugins))
        if missing := PLUGINS - {plugin.name for plugin in self.plugins}:
            raise ValueError(f"plugins: {', '.join(sorted(missing))} missing")
        return self

    @property
    def cors(self) -> Cors:
        return next(p.config for p in self.plugins if isinstance(p, CorsPlugin))

    @property
    def rate_limiting(self) -> RateLimiting:
        return next(p.config for p in self.plugins if isinstance(p, RateLimitingPlugin))

    @property
    def size_limiting(self) -> RequestSizeLimiting:
        return next(p.config for p in self.plugins if isinstance(p, RequestSizeLimitingPlugin))


def read_kong(file: Path) -> Kong:
    """Raises `Refused` when `file` is not YAML or has more than the subset."""
    try:
        return Kong.model_validate(yaml.safe_load(file.read_text("utf-8")))
    except yaml.YAMLError as error:
        raise Refused(f"{file.name}: {error}") from error
    except ValidationError as error:
        places = (f"{_place(e['loc'])}{e['msg']}" for e in error.errors())
        raise Refused("\n".join(f"{file.name}: {place}" for place in places)) from error


def _refuse_repeated(what: str, values: Iterable[str]) -> None:
    if repeated := [value for value, count in Counter(values).items() if count > 1]:
        raise ValueError(f"{what} {', '.join(repeated)} is used more than once")


def _place(location: tuple[int | str, ...]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return f"{''.join(parts).lstrip('.')}: " if location else ""
