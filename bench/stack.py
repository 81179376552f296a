"""The stack that is measured: an own one on other ports, with the limits of a network lifted."""

import asyncio
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import psutil

from shared.kit.auth.service_identity import AssertionSigner
from shared.kit.http.client import ServiceClient
from shared.kit.http.transport import HttpTransport

ROOT = Path(__file__).resolve().parents[1]
NAME = "bench"
POLL_SECONDS = 0.1
OPEN_DELIVERIES = "SELECT count(*) FROM deliveries WHERE state IN ('pending', 'sent', 'leased')"


class StackFailed(Exception):
    """The stack did not start, end or settle; the message says what it said."""


@dataclass
class BenchStack:
    """`offset` is added to every port."""

    offset: int
    say: Callable[[str], None]
    ports: dict[str, int] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return ROOT / ".run" / "stacks" / NAME

    def clear(self) -> None:
        """End it where it runs, and remove the data that a run before left."""
        self._dev("down")
        shutil.rmtree(self.folder, ignore_errors=True)

    def up(self) -> float:
        """Start it; the seconds until it is ready. Raises StackFailed."""
        began = time.monotonic()
        self._dev("up", "--detach", "--profile", "load")
        seconds = time.monotonic() - began
        services = json.loads(self._dev("status", "--json"))["services"]
        self.ports = {it["name"]: it["ports"][0] for it in services if it["ports"]}
        return seconds

    def down(self) -> None:
        self._dev("down")

    def url(self, service: str = "back-gateway") -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    @property
    def pids(self) -> dict[str, int]:
        """The processes as they are now, the supervisor included."""
        listed = json.loads((self.folder / "processes.json").read_text())
        pids = {it["service"]: it["pid"] for it in listed}
        with suppress(psutil.Error):
            pids["supervisor"] = psutil.Process(pids["back-api"]).ppid()
        return pids

    def make_admin(self, email: str, password: str) -> None:
        """A user with the role admin, who can log in at once. Raises StackFailed."""
        self._dev("admin", "create", email, "--password-stdin", said=password)

    def secret(self, service: str, name: str) -> str:
        """A secret of a service."""
        folder = self.folder / "mounts" / "secrets-init" / "secrets-by-owner" / service
        return (folder / name).read_text().strip()

    @property
    def database(self) -> str:
        """The address of its PostgreSQL, as the role that owns the tables."""
        password = self.secret("back-postgres", "postgres.password")
        return f"postgresql://tools:{password}@127.0.0.1:{self.ports['postgres']}/tools"

    def log(self, service: str) -> Iterator[dict[str, object]]:
        """The entries of its log files, oldest file first."""
        for path in sorted((self.folder / "logs").glob(f"{service}*.log*"), reverse=True):
            with path.open() as lines:
                for line in lines:
                    with suppress(ValueError):
                        yield json.loads(line)

    def jwks(self) -> str:
        """The keys that its tokens are verified by."""
        address = f"{self.url('back-auth')}/.well-known/jwks.json"
        with urllib.request.urlopen(address) as answer:  # noqa: S310 - an own http address
            return str(answer.read().decode())

    def client(self, caller: str, callee: str) -> ServiceClient:
        """The client of a service for another one, with the identity that it has here."""
        signer = AssertionSigner.from_pem(caller, self.secret(caller, "identity.key"))
        return ServiceClient(caller, callee, HttpTransport(self.url(callee)), signer)

    async def settled(self, within: float = 300) -> list[tuple[float, float]]:
        """Wait until every delivery is done or dead: how many were open, by seconds.

        Raises StackFailed when some are open after `within` seconds.
        """
        seen: list[tuple[float, float]] = []
        began = time.monotonic()
        connection = await asyncpg.connect(self.database)
        try:
            while not seen or seen[-1][1]:
                left = await connection.fetchval(OPEN_DELIVERIES)
                seen.append((time.monotonic() - began, left))
                if seen[-1][0] > within:
                    raise StackFailed(f"{left} deliveries are open after {within:.0f} s")
                await asyncio.sleep(POLL_SECONDS if left else 0)
        finally:
            await connection.close()
        return seen

    @contextmanager
    def frozen(self, service: str) -> Iterator[None]:
        """Stop a process with SIGSTOP during the block, which has to be short: after 25 seconds
        the supervisor starts it anew.
        """
        process = psutil.Process(self.pids[service])
        process.suspend()
        try:
            yield
        finally:
            process.resume()

    def _dev(self, *words: str, said: str = "") -> str:
        options = ["--stack", NAME, "--port-offset", str(self.offset)]
        done = subprocess.run(
            [ROOT / "dev", *options, *words],
            input=said,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise StackFailed(f"./dev {' '.join(words)}: {(done.stdout + done.stderr)[-2000:]}")
        return done.stdout
