"""The settings of back-api, from environment variables."""

from typing import Literal

from pydantic import Field

from shared.kit import ServiceSettings


class Settings(ServiceSettings):
    """`registrations_per_hour` limits one network address, outside development."""

    service: Literal["back-api"] = "back-api"
    port: int = 8100

    back_auth_url: str = "http://127.0.0.1:8101"
    back_postgres_url: str = "http://127.0.0.1:8103"
    back_cassandra_url: str = "http://127.0.0.1:8104"
    back_redis_url: str = "http://127.0.0.1:8106"
    back_workers_url: str = "http://127.0.0.1:8107"

    registrations_per_hour: int = Field(default=20, ge=1)

    @property
    def limits_registrations(self) -> bool:
        """Whether registrations are limited: in development they are not."""
        return self.environment != "development"
