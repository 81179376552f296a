import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from tests.gateway_harness import Gateway, Upstream, free_port, upstream

FOLDER = Path(__file__).resolve().parent.parent
Started = Callable[..., Gateway]


@pytest.fixture(scope="session")
def kong_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed kong.yml with a read timeout of 300 ms for three services."""
    kong = yaml.safe_load((FOLDER / "kong.yml").read_text("utf-8"))
    for service in kong["services"]:
        if service["name"] in {"back-api", "back-auth", "front-public"}:
            service["read_timeout"] = 300
    file = tmp_path_factory.mktemp("kong") / "kong.yml"
    file.write_text(yaml.safe_dump(kong), "utf-8")
    return file


@pytest.fixture(scope="session")
def start(kong_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """Starts gateways by `python -m gateway`, each with its own stub service."""
    with ExitStack() as stack:

        def started(**environment: str) -> Gateway:
            service = stack.enter_context(upstream())
            run_dir = tmp_path_factory.mktemp("run")
            gateway = Gateway(free_port(), service, run_dir / "log")
            log = stack.enter_context(gateway.log.open("ab"))
            process = subprocess.Popen(
                [sys.executable, "-m", "gateway"],
                cwd=FOLDER,
                env=os.environ | _environment(gateway, run_dir, kong_file) | environment,
                stdout=log,
                stderr=log,
            )
            stack.callback(_end, process)
            _wait_until_it_listens(gateway, process)
            return gateway

        yield started


@pytest.fixture(scope="session")
def gateway(start: Started) -> Gateway:
    return start()


@pytest.fixture
def service(gateway: Gateway) -> Upstream:
    gateway.service.seen.clear()
    gateway.service.connections.clear()
    return gateway.service


def _environment(gateway: Gateway, run_dir: Path, kong_file: Path) -> dict[str, str]:
    return {
        "GATEWAY_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(gateway.port),
        "GATEWAY_RUN_DIR": str(run_dir),
        "KONG_FILE": str(kong_file),
        "BACK_API_URL": gateway.service.url,
        "BACK_AUTH_URL": f"http://127.0.0.1:{free_port()}",
        "BACK_WEBSOCKETS_URL": gateway.service.url,
        "FRONT_PUBLIC_URL": gateway.service.url,
        "FRONT_ADMIN_URL": gateway.service.url,
        "RATE_LIMIT_PER_MINUTE": "60000",
    }


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGQUIT)
    assert process.wait(timeout=60) == 0


def _wait_until_it_listens(gateway: Gateway, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", gateway.port), timeout=1).close()
        except ConnectionRefusedError:
            time.sleep(0.01)
        else:
            return
    pytest.fail(f"the gateway doesn't listen: {gateway.log.read_text('utf-8')}")
