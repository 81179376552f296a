"""The base of every service's settings: frozen, from the environment and secret files."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class SecretMissing(Exception):
    """A secret file that the service needs does not exist."""


class ServiceSettings(BaseSettings):
    """Settings that every service has; the variable of a field is its name in upper case.

    An unset `ENVIRONMENT` means production.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    service: str
    port: int
    environment: Literal["development", "production", "test"] = "production"
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    secrets_dir: Path
    public_keys_dir: Path

    back_api_url: str = "http://127.0.0.1:8100"
    back_auth_url: str = "http://127.0.0.1:8101"
    back_websockets_url: str = "http://127.0.0.1:8102"
    back_postgres_url: str = "http://127.0.0.1:8103"
    back_cassandra_url: str = "http://127.0.0.1:8104"
    back_redis_url: str = "http://127.0.0.1:8106"
    back_workers_url: str = "http://127.0.0.1:8107"

    request_deadline: float = Field(default=10, gt=0, description="seconds for an edge request")
    call_timeout: float = Field(default=2, gt=0, description="seconds for a call to a service")
    body_max_bytes: int = Field(default=1_048_576, gt=0)

    def url_of(self, service: str) -> str:
        """The base URL of another service."""
        url = getattr(self, f"{service.replace('-', '_')}_url")
        return str(url).rstrip("/")

    def secret(self, name: str) -> str:
        """The content of one of this service's own secret files.

        Raises:
            SecretMissing: there is no such file, or it can't be read.
        """
        path = self.secrets_dir / name
        try:
            return path.read_text().strip()
        except OSError as error:
            raise SecretMissing(f"{self.service} needs the secret file {name}: {error}") from error
