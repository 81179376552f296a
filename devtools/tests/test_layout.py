from pathlib import Path

import pytest

from devtools.stack.health import Probe
from devtools.stack.layout import Layout
from devtools.stack.topology import load
from devtools.workspace.errors import DevError
from devtools.workspace.repository import ROOT, VENVS, Stack

COMPOSE = """
services:
  back-api:
    build: {context: ., args: {SERVICE: back-api}}
    command: [python, -m, main, --state, /tmp/state, --peer, "http://back-postgres:8103"]
    environment:
      UVICORN_HOST: 0.0.0.0
      UVICORN_PORT: "8100"
      SECRETS_DIR: /secrets
      BACK_POSTGRES_URL: http://back-postgres:8103
      PUBLIC_BASE_URL: http://127.0.0.1:8000
      UNPUBLISHED_URL: http://127.0.0.1:9999
      SMTP_HOST: mail.example.org
      SMTP_PORT: "25"
      ELSEWHERE: /etc/hosts
    ports: ["127.0.0.1:8100:8100", "127.0.0.1:8000:80"]
    volumes: ["secrets-back-api:/secrets:ro"]
    tmpfs: ["/tmp:exec"]
    healthcheck: {test: [CMD, get, "http://127.0.0.1:8100/health/ready"]}
  back-postgres:
    build: {context: ., args: {SERVICE: back-postgres}}
    command: [uvicorn]
    environment: {POSTGRES_HOST: postgres, POSTGRES_PORT: "5432"}
    ports: ["127.0.0.1:8103:8103"]
    volumes: ["secrets-back-postgres:/secrets:ro"]
    depends_on: {postgres: {condition: service_healthy}}
  shared:
    build: {context: ., args: {SERVICE: shared}}
    command: [python, -m, shared.secrets_init]
    environment:
      SECRETS_ROOT: /secrets-by-owner
      ENGINE_DATA_ROOT: /engine-data
      CONTRACTS: /contracts/access.json
    volumes:
      - secrets-back-api:/secrets-by-owner/back-api
      - secrets-back-postgres:/secrets-by-owner/back-postgres
      - ./shared/contracts:/contracts:ro
      - data-postgres:/engine-data/postgres:ro
  postgres:
    image: postgres:18
    x-local-port: 8143
    volumes: ["data-postgres:/var/lib/postgresql"]
  lonely: {image: "lonely:1"}
volumes: {secrets-back-api: {}, secrets-back-postgres: {}, data-postgres: {}}
"""

FRONT = """
services:
  front-public:
    build: {context: ., dockerfile: Dockerfile.front, args: {SERVICE: front-public}}
    command: [node, server.ts]
    environment:
      HOST: 0.0.0.0
      PORT: "4101"
      GATEWAY_URL: http://back-gateway:8000
      PUBLIC_BASE_URL: http://127.0.0.1:8000
    ports: ["127.0.0.1:4101:4101"]
    healthcheck: {test: [CMD, node, -e, "fetch('http://127.0.0.1:4101/health/ready')"]}
  back-gateway:
    build: {context: ., args: {SERVICE: back-gateway}}
    command: [python, -m, gateway]
    ports: ["127.0.0.1:8000:8000"]
"""


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(tmp_path / "run", 1000)


@pytest.fixture
def layout(tmp_path: Path, stack: Stack) -> Layout:
    file = tmp_path / "compose.yml"
    file.write_text(COMPOSE)
    return Layout(load(file, {}), stack)


def environment(layout: Layout, tmp_path: Path, service: str) -> dict[str, str]:
    return dict(layout.local(load(tmp_path / "compose.yml", {}).services[service]).command.env)


def test_the_gateway_gets_the_addresses_of_what_kong_yml_may_name(
    layout: Layout, tmp_path: Path, stack: Stack
) -> None:
    assert "BACK_POSTGRES_URL" not in environment(layout, tmp_path, "back-postgres")
    topology = load(ROOT / "docker-compose.yml", {})
    gateway = Layout(topology, stack).local(topology.services["back-gateway"])
    assert gateway.command.env["BACK_API_URL"] == "http://127.0.0.1:9100"


def test_a_service_listens_on_loopback_at_its_shifted_port(layout: Layout, tmp_path: Path) -> None:
    given = environment(layout, tmp_path, "back-api")
    assert given["UVICORN_HOST"] == "127.0.0.1"
    assert given["UVICORN_PORT"] == "9100"


def test_addresses_of_services_become_local_ones(layout: Layout, tmp_path: Path) -> None:
    given = environment(layout, tmp_path, "back-api")
    assert given["BACK_POSTGRES_URL"] == "http://127.0.0.1:9103"
    assert given["PUBLIC_BASE_URL"] == "http://127.0.0.1:9000"
    assert given["UNPUBLISHED_URL"] == "http://127.0.0.1:9999"
    assert given["SMTP_HOST"] == "mail.example.org"


def test_an_engine_is_found_at_its_own_local_port(layout: Layout, tmp_path: Path) -> None:
    given = environment(layout, tmp_path, "back-postgres")
    assert (given["POSTGRES_HOST"], given["POSTGRES_PORT"]) == ("127.0.0.1", "9143")


def test_an_engine_without_a_local_port_is_refused(layout: Layout) -> None:
    with pytest.raises(DevError, match="lonely has no local port"):
        layout.port("lonely", 1)


def test_an_engine_without_an_owner_has_no_secrets(layout: Layout) -> None:
    with pytest.raises(DevError, match="lonely has no owner"):
        layout.secrets_of_owner("lonely")


def test_an_engine_gets_the_secrets_of_its_owner(layout: Layout, stack: Stack) -> None:
    assert layout.secrets_of_owner("postgres") == stack.volumes / "secrets-back-postgres"


def test_a_command_runs_from_the_environment_of_the_member(
    layout: Layout, stack: Stack, tmp_path: Path
) -> None:
    service = layout.local(load(tmp_path / "compose.yml", {}).services["back-api"])
    assert service.command.argv[0] == str(VENVS / "back-api" / "bin" / "python")
    assert str(stack.mounts / "back-api" / "tmp" / "state") in service.command.argv
    assert service.command.argv[-1] == "http://127.0.0.1:9103"
    assert service.command.cwd == ROOT / "back-api"
    assert service.probe == Probe(9100, "/health/ready")


def test_container_paths_lead_to_the_volumes(layout: Layout, stack: Stack, tmp_path: Path) -> None:
    services = load(tmp_path / "compose.yml", {}).services
    for service in services.values():
        layout.make_folders(service)
        layout.make_folders(service)
    owners = Path(environment(layout, tmp_path, "shared")["SECRETS_ROOT"])
    (owners / "back-api" / "identity.key").write_text("key")
    owner = Path(environment(layout, tmp_path, "back-api")["SECRETS_DIR"])
    assert (owner / "identity.key").read_text() == "key"
    assert [path.name for path in owner.iterdir()] == ["identity.key"]
    contracts = Path(environment(layout, tmp_path, "shared")["CONTRACTS"])
    assert contracts.parent.resolve() == ROOT / "shared" / "contracts"
    assert environment(layout, tmp_path, "back-api")["ELSEWHERE"] == "/etc/hosts"


def test_who_mounts_an_engines_data_sees_it_where_the_engine_keeps_it(
    layout: Layout, stack: Stack, tmp_path: Path
) -> None:
    for service in load(tmp_path / "compose.yml", {}).services.values():
        layout.make_folders(service)
    (stack.data / "postgres" / "PG_VERSION").write_text("18")
    seen = Path(environment(layout, tmp_path, "shared")["ENGINE_DATA_ROOT"]) / "postgres"
    assert [path.name for path in seen.iterdir()] == ["PG_VERSION"]


def test_a_service_gets_nothing_of_the_callers_environment(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "private")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:3128")
    given = environment(layout, tmp_path, "back-api")
    assert "AWS_SECRET_ACCESS_KEY" not in given
    assert given["HTTPS_PROXY"] == "http://proxy.example.org:3128"


def test_a_front_runs_in_its_folder_by_node(tmp_path: Path, stack: Stack) -> None:
    file = tmp_path / "front.yml"
    file.write_text(FRONT)
    layout = Layout(load(file, {}), stack)
    front = layout.local(load(file, {}).services["front-public"])
    assert front.front == front.command.cwd == ROOT / "front-public"
    assert front.member is None
    assert front.command.argv == ("node", "server.ts")
    environment = front.command.env
    assert environment["HOST"] == "127.0.0.1"
    assert environment["PORT"] == "5101"
    assert environment["GATEWAY_URL"] == environment["PUBLIC_BASE_URL"] == "http://127.0.0.1:9000"
    assert front.probe == Probe(5101, "/health/ready")
