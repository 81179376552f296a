"""The settings of back-api, from environment variables."""

from typing import Literal

from pydantic import Field

from shared.kit import ServiceSettings


class Settings(ServiceSettings):
    """`terms_version` names the terms of use that a visitor accepts by registering."""

    service: Literal["back-api"] = "back-api"
    port: int = 8100

    back_auth_url: str = "http://127.0.0.1:8101"
    back_postgres_url: str = "http://127.0.0.1:8103"
    back_cassandra_url: str = "http://127.0.0.1:8104"
    back_redis_url: str = "http://127.0.0.1:8106"
    back_workers_url: str = "http://127.0.0.1:8107"

    registrations_per_address_and_network: int = Field(default=3, ge=1, description="an hour")
    registrations_per_address: int = Field(default=20, ge=1, description="an hour")
    registrations_per_network: int = Field(default=20, ge=1, description="an hour")
    registration_seconds: int = Field(default=172_800, ge=60, description="to confirm it")
    terms_version: str = Field(default="2026-11", max_length=20)

    idempotency_wait_seconds: float = Field(
        default=2.0, ge=0, description="that a repeat waits for the first request"
    )

    @property
    def limits_networks(self) -> bool:
        """Whether the registrations of a network are limited: in development they are not."""
        return self.environment != "development"
