from pathlib import Path

import pytest

from devtools.stack.topology import Topology, TopologyError, load
from devtools.workspace.repository import COMPOSE_FILE


def topology(tmp_path: Path, text: str, **variables: str) -> Topology:
    file = tmp_path / "compose.yml"
    file.write_text(text)
    return load(file, variables)


def test_the_repositorys_own_file_is_in_the_subset() -> None:
    services = load(COMPOSE_FILE, {}).with_profiles().services
    assert {"shared", "back-api", "postgres", "valkey", "broker", "cassandra"} <= set(services)
    assert "kong" not in services
    assert services["back-api"].healthcheck is not None
    assert services["back-api"].healthcheck.url == (8100, "/health/ready")


def test_merge_keys_are_laid_below_own_keys(tmp_path: Path) -> None:
    services = topology(
        tmp_path,
        """
x-base: &base
  image: postgres:18
  restart: always
  depends_on: {b: {condition: service_started}}
services:
  a: {<<: *base, restart: "no"}
  b: {<<: *base, depends_on: {}}
""",
    ).services
    assert services["a"].restart == "no"
    assert services["a"].depends_on == {"b": "service_started"}
    assert services["b"].depends_on == {}


def test_a_one_shot_job_is_not_restarted_and_has_no_health(tmp_path: Path) -> None:
    services = topology(
        tmp_path,
        """
services:
  job: {build: {context: job}, command: [run], restart: "no"}
  waiter:
    build: {context: waiter}
    command: [run]
    restart: always
    depends_on: {job: {condition: service_completed_successfully}}
  engine: {image: x}
  checked:
    build: {context: checked}
    command: [run]
    healthcheck: {test: [CMD, "true"]}
""",
    ).services
    assert [name for name, it in services.items() if it.is_job] == ["job"]


def test_variables_take_their_default_and_dollars_are_escaped(tmp_path: Path) -> None:
    text = 'services: {a: {image: "x:${TAG:-18}", command: ["$$HOME", "${TAG:-18}"]}}'
    assert topology(tmp_path, text).services["a"].command == ("$HOME", "18")
    assert topology(tmp_path, text, TAG="19").services["a"].image == "x:19"


def test_without_an_engine_its_owner_goes_too_and_nobody_waits(tmp_path: Path) -> None:
    left = topology(
        tmp_path,
        """
services:
  cassandra: {image: "cassandra:5.0"}
  owner:
    build: {args: {SERVICE: owner}}
    command: [run]
    depends_on: {cassandra: {condition: service_healthy}}
  other:
    build: {args: {SERVICE: other}}
    command: [run]
    depends_on: {owner: {condition: service_healthy}}
""",
    ).without(["cassandra"])
    assert set(left.services) == {"other"}
    assert left.services["other"].depends_on == {}


def test_without_its_owner_an_engine_has_nothing_to_do(tmp_path: Path) -> None:
    text = """
services:
  valkey: {image: "valkey/valkey:9"}
  owner:
    build: {args: {SERVICE: owner}}
    command: [run]
    depends_on: {valkey: {condition: service_healthy}}
  other: {build: {args: {SERVICE: other}}, command: [run]}
"""
    assert set(topology(tmp_path, text).without(["owner"]).services) == {"other"}


def test_without_names_what_there_is(tmp_path: Path) -> None:
    it = topology(tmp_path, "services: {postgres: {image: x}}")
    with pytest.raises(TopologyError, match="no such service, there are: postgres"):
        it.without(["postgre"])


@pytest.mark.parametrize(
    "text,complaint",
    [
        ("", "compose.yml:1: the file is empty"),
        ("name: x", "compose.yml:1: services: Field required"),
        ("services: [", ": is no YAML: "),
        ("volume: {}\nservices: {}", "compose.yml:1: volume: unknown key, topology.py lists"),
        (
            "services:\n  a:\n    image: x\n    privileged: true",
            "compose.yml:4: services.a.privileged: unknown key, topology.py lists",
        ),
        ("services:\n  a: {}", "compose.yml:2: services.a: expected image or build"),
        (
            "services: {a: {build: {args: {SERVICE: a}}}}",
            "services.a: expected a command",
        ),
        ("services: {a: {build: {}, command: [x]}}", "expected args with SERVICE"),
        ("services: {a: {image: x, image: y}}", "the key 'image' stands twice"),
        ("services: {a: {image: [x]}}", "services.a.image: Input should be a valid string"),
        (
            "services: {a: {image: x, command: run}}",
            "services.a.command: Input should be a valid tuple",
        ),
        ("services: {a: [image]}", "services.a: Input should be a valid dictionary"),
        (
            "services:\n  a:\n    image: x\n    environment:\n      PORT: 80",
            "compose.yml:5: services.a.environment.PORT: Input should be a valid string",
        ),
        ("services: {a: {image: x, ports: ['80']}}", 'expected "127.0.0.1:8000:8000"'),
        ("services: {a: {image: x, volumes: ['v:/a']}}", "services.a.volumes: no volume v"),
        ("services: {a: {image: x, volumes: ['./v:a']}}", 'expected "volume:/path"'),
        ("services: {a: {image: x, networks: [n]}}", "services.a.networks: no network n"),
        ("services: {a: {image: x, restart: maybe}}", "Input should be 'no', 'always'"),
        (
            "services: {a: {image: x, init: 'yes please'}}",
            "services.a.init: Input should be a valid boolean",
        ),
        ("services: {a: {image: x, stop_signal: SIGNO}}", "expected one of: SIGABRT"),
        ("services: {a: {image: x, stop_grace_period: 10}}", "expected a duration such as 10s"),
        (
            "services: {a: {image: x, depends_on: {b: {condition: service_healthy}}}}",
            "services.a.depends_on: depends_on b, which is no service",
        ),
        ("services: {a: {image: x, depends_on: {a: {}}}}", "expected condition"),
        (
            """services:
  a: {image: x, depends_on: {b: {condition: service_started}}}
  b: {image: x, depends_on: {a: {condition: service_started}}}""",
            "compose.yml:2: services.a: waits for itself: a → b → a",
        ),
        (
            """services:
  a: {image: x, depends_on: {b: {condition: service_completed_successfully}}}
  b: {build: {context: b}, command: [run], restart: always}""",
            'services.a.depends_on.b: expected a job: restart: "no"',
        ),
        (
            "services: {a: {image: x, healthcheck: {interval: 5s}}}",
            "services.a.healthcheck.test: Field required",
        ),
        ("services: {a: {image: x, healthcheck: {test: [curl]}}}", "starts with CMD"),
        (
            "services: {a: {image: x, healthcheck: {test: [CMD, y], retries: few}}}",
            "services.a.healthcheck.retries: Input should be a valid integer",
        ),
        ("services: {a: {image: '$TAG'}}", "$ has no default, expected"),
        ("services: {a: {image: '${TAG}'}}", "${TAG} has no default"),
    ],
)
def test_what_is_not_in_the_subset_is_refused_with_its_place(
    tmp_path: Path, text: str, complaint: str
) -> None:
    with pytest.raises(TopologyError) as refused:
        topology(tmp_path, text)
    assert complaint in str(refused.value)


def test_durations_are_seconds(tmp_path: Path) -> None:
    text = "services: {a: {image: x, stop_grace_period: 1m30s}}"
    assert topology(tmp_path, text).services["a"].stop_grace_period == 90.0
