"""Generates nginx.conf from kong.yml; `python -m derive` prints it, without the keys of fronts."""

import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from math import ceil
from string import Template

from kong import URL, Cors, Kong, Refused, Route, Service, exact_path, read_kong
from settings import FOLDER, Settings


class NginxTemplate(Template):
    """A template with `@{name}` as placeholder; `$name` is a variable of nginx."""

    delimiter = "@"


FRONT_KEY = r"[A-Za-z0-9_-]{32,}"
FRONTS = "front-"
"""What the names of the services begin with that get the key of the fronts."""


@dataclass(frozen=True)
class Limit:
    """Requests a minute and address that nginx counts in `zone`."""

    zone: str
    per_minute: int

    @property
    def zone_directive(self) -> str:
        """What declares the counters."""
        return f"limit_req_zone $client_address zone={self.zone}:4m rate={self.per_minute}r/m;"

    @property
    def directive(self) -> str:
        """What applies them in a location."""
        return f"limit_req zone={self.zone} burst={self.per_minute - 1} nodelay;"


def nginx_conf(kong: Kong, settings: Settings, front_keys: Sequence[str] = ()) -> str:
    """The text of nginx.conf; a request with one of `front_keys` is known as that of a front.

    The first of them is sent to the fronts, which know the gateway by it.

    Raises `Refused` when a URL in the environment or a key is invalid.
    """
    services = [_with_url(service, settings) for service in kong.services]
    per_minute = settings.rate_limit_per_minute or kong.rate_limiting.minute
    limits = _limits(kong, per_minute)
    paths = [path for service in services for route in service.routes for path in route.paths]
    exact = {exact_path(path) for path in paths if path.startswith("~")}
    template = NginxTemplate((FOLDER / "nginx.conf.in").read_text("utf-8"))
    return template.substitute(
        folder=FOLDER,
        run_dir=settings.gateway_run_dir.resolve(),
        listen=f"{settings.gateway_host}:{settings.gateway_port}",
        front_keys=_indented(8, *_front_keys(front_keys)),
        keys_of_fronts=_indented(8, *_keys_of_fronts(services, front_keys)),
        limits=_indented(4, "\n".join(limit.zone_directive for limit in limits.values())),
        limit=limits[None].directive,
        seconds_to_wait=ceil(60 / per_minute),
        body_megabytes=kong.size_limiting.allowed_payload_size,
        cors=_indented(4, _cors(kong.cors)),
        probes=_indented(8, *(_probe(service) for service in services)),
        upstreams=_indented(4, *(_upstream(service, settings) for service in services)),
        locations=_indented(
            8,
            *(
                _location(service, route, path, limits, settings.requests_per_service, exact)
                for service in services
                for route in service.routes
                for path in route.paths
            ),
        ),
    )


def _limits(kong: Kong, per_minute: int) -> dict[str | None, Limit]:
    """The limit of all routes under None, and that of each route which has its own."""
    own = {
        route.name: route.rate_limiting
        for service in kong.services
        for route in service.routes
        if route.rate_limiting
    }
    return {None: Limit("requests_of_address", per_minute)} | {
        # What raises the limit for all raises these too, and what lowers it leaves them.
        name: Limit(f"requests_to_{name.replace('-', '_')}", max(limit.minute, per_minute))
        for name, limit in own.items()
    }


def _front_keys(keys: Sequence[str]) -> Iterator[str]:
    for key in keys:
        if not re.fullmatch(FRONT_KEY, key):
            raise Refused("a key of the fronts has another form than base64url of 24 bytes or more")
        yield f'"~^{key}$" 1;'  # a regular expression, because other values ignore case


def _keys_of_fronts(services: Sequence[Service], keys: Sequence[str]) -> Iterator[str]:
    for service in services:
        if keys and service.name.startswith(FRONTS):
            yield f'{service.name} "{keys[0]}";'


def _with_url(service: Service, settings: Settings) -> Service:
    url = settings.url_of(service.name)
    if url is None:
        return service
    if not re.fullmatch(URL, url):
        raise Refused(
            f"environment: {url!r} for {service.name} is not of the form http://host:port"
        )
    return service.model_copy(update={"url": url})


def _cors(cors: Cors) -> str:
    origins = "\n".join(f'    "{origin}" $http_origin;' for origin in cors.origins)
    return f"""\
map $http_origin $cors_origin {{
    default "";
{origins}
}}
map "$request_method $cors_origin $http_access_control_request_method" $cors_preflight {{
    default "";
    "~^OPTIONS http[^ ]+ [A-Z]+$" 1;
}}
{_only_when("$cors_origin", "$cors_credentials", "true" if cors.credentials else "")}
{_only_when("$cors_origin", "$cors_exposed_headers", ", ".join(cors.exposed_headers))}
{_only_when("$cors_preflight", "$cors_methods", ", ".join(cors.methods))}
{_only_when("$cors_preflight", "$cors_headers", ", ".join(cors.headers))}
{_only_when("$cors_preflight", "$cors_max_age", str(cors.max_age))}"""


def _only_when(condition: str, variable: str, value: str) -> str:
    """An nginx variable that is empty, so that its header isn't sent, unless `condition` holds."""
    return f"""\
map {condition} {variable} {{
    default "{value}";
    "" "";
}}"""


def _upstream(service: Service, settings: Settings) -> str:
    """A host name is resolved every 2 s: a restarted container may have another address."""
    host = service.address.partition(":")[0]
    if _is_number(host):
        server = f"server {service.address} max_fails=0;"
    else:
        server = (
            f"zone {service.name} 64k;\n"
            f"    resolver {settings.resolver()} valid=2s ipv6=off;\n"
            f"    server {service.address} resolve max_fails=0;"
        )
    return f"""\
upstream {service.name} {{
    {server}
    keepalive 64;
    keepalive_timeout 4s; # a service closes an idle connection after 5 s
}}"""


def _probe(service: Service) -> str:
    """The location that `wait_for_service` of gateway.js asks whether the service listens."""
    return f"""\
location = /gateway/listening/{service.name} {{
    internal;
    error_page 418 /gateway/problem; # overrides those of the server: a refusal stays 502
    proxy_method GET;
    proxy_pass_request_body off;
    proxy_set_header Content-Length "";
    proxy_connect_timeout 200ms;
    proxy_read_timeout 1s;
    proxy_pass http://{service.name}/health/live;
}}"""


def _location(
    service: Service,
    route: Route,
    path: str,
    limits: Mapping[str | None, Limit],
    at_once: int,
    exact: Collection[str],
) -> str:
    """The location of one path; `exact` are the paths that have one of their own."""
    limit = limits.get(route.name) or limits[None]
    forwarding = f"""\
    set $service {service.name};
    if ($ambiguous_path) {{
        return 400;
    }}
{_indented(4, _load_limit(service, route, at_once))}
    {limit.directive}
    proxy_connect_timeout {service.connect_timeout}ms;
    proxy_send_timeout {service.write_timeout}ms;
    proxy_read_timeout {service.read_timeout}ms;
    proxy_pass http://{service.name};
}}"""
    if path.startswith("~"):
        return f"location = {exact_path(path)} {{\n{forwarding}"
    prefix = f"location ^~ {path} {{\n{forwarding}"
    without_slash = path.rstrip("/")
    if without_slash in exact:
        return prefix
    return f"""\
location = {without_slash} {{
    js_content gateway.problem; # nginx would redirect to {path}
}}
{prefix}"""


_REFUSAL = (
    'more_set_headers "Content-Type: application/problem+json" "Cache-Control: no-store"\n'
    '        "Retry-After: 1";\n'
    "    return 503 $overloaded;"
)


def _load_limit(service: Service, route: Route, at_once: int) -> str:
    if "long-lived" in route.tags:
        return "# Not limited: it lasts as long as its connection."
    if "critical" in route.tags:
        return f"""\
set $counted_as {service.name}-critical;
limit_conn requests_at_once {at_once};"""
    # A front is asked by people too, whom gateway.js shows a page.
    refusal = "return 503;" if service.name.startswith("front-") else _REFUSAL
    return f"""\
set $counted_as {service.name};
limit_conn requests_at_once {at_once};
if ($shed) {{
    {refusal}
}}
js_header_filter gateway.count_answer;"""


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _indented(spaces: int, *blocks: str) -> str:
    lines = "\n\n".join(blocks).splitlines()
    return "\n".join(f"{' ' * spaces}{line}" if line else "" for line in lines)


def main() -> int:
    """Print the configuration, or the reason for a refusal and exit with 2."""
    settings = Settings()
    try:
        sys.stdout.write(nginx_conf(read_kong(settings.kong_file), settings))
    except Refused as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
