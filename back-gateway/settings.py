"""The settings of the gateway, from environment variables."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

FOLDER = Path(__file__).resolve().parent


class Settings(BaseSettings):
    """Each variable has the name of its field in capitals."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    gateway_host: str = "127.0.0.1"
    gateway_port: int = 8000
    gateway_run_dir: Path
    """Where nginx.conf, the pid file and nginx's temporary files go."""
    gateway_resolver: str | None = None
    """The DNS server that resolves host names of services; that of the machine by default."""
    kong_file: Path = FOLDER / "kong.yml"
    rate_limit_per_minute: Annotated[int, Field(gt=1)] | None = None
    """Overrides the limit of kong.yml, for load tests."""
    secrets_dir: Path | None = None
    """Holds `front-gateway.key`, by which the fronts are known; any `front-gateway*.key` counts, so
    that a new key can be accepted before it is used."""
    requests_per_service: Annotated[int, Field(gt=0)] = 64
    """Requests to one service at once, at most; the same number again for critical ones. A service
    takes one new connection with each turn of its event loop, so that more would wait there."""

    def url_of(self, service: str) -> str | None:
        """The value of `BACK_API_URL` for `back-api`, when it is set."""
        return os.environ.get(f"{service.upper().replace('-', '_')}_URL")  # noqa: TID251 - one name for each service of kong.yml

    def front_keys(self) -> list[str]:
        """The keys of the fronts, that of `front-gateway.key` first; none without `secrets_dir`."""
        files = self.secrets_dir.glob("front-gateway*.key") if self.secrets_dir else []
        files = sorted(files, key=lambda file: (file.name != "front-gateway.key", file.name))
        return [file.read_text("utf-8").strip() for file in files]

    def resolver(self, resolv_conf: Path = Path("/etc/resolv.conf")) -> str:
        """The address of a DNS server; Docker's embedded one where none is configured."""
        if self.gateway_resolver:
            return self.gateway_resolver
        lines = resolv_conf.read_text("utf-8").splitlines() if resolv_conf.exists() else []
        servers = [line.split()[1] for line in lines if line.startswith("nameserver ")]
        ipv4 = [server for server in servers if ":" not in server]
        return ipv4[0] if ipv4 else "127.0.0.11"
