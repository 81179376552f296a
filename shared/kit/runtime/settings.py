"""The base of every service's settings: frozen, from the environment and secret files."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class SecretMissing(Exception):
    """A secret file that the service needs does not exist."""


class ServiceSettings(BaseSettings):
    """Settings that every service has; the variable of a field is its name in upper case.

    A variable that is set to nothing is not set. An unset `ENVIRONMENT` means production.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    service: str
    port: int
    environment: Literal["development", "production", "test"] = "production"
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    secrets_dir: Path
    public_keys_dir: Path

    request_deadline: float = Field(default=10, gt=0, description="seconds for an edge request")
    call_timeout: float = Field(default=2, gt=0, description="seconds for a call to a service")
    body_max_bytes: int = Field(default=1_048_576, gt=0)

    requests_min: int = Field(
        default=16, ge=1, description="requests at once that are admitted under any load"
    )
    requests_max: int = Field(default=64, ge=1, description="requests at once, at most")
    requests_reserved: int = Field(
        default=32, ge=0, description="critical requests at once beyond the limit of others"
    )
    queueing_seconds: float = Field(
        default=0.04, gt=0, description="how much longer than alone a request may take on average"
    )

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
