"""The settings of back-auth, from environment variables."""

import os
from typing import Literal

from pydantic import Field

from shared.kit import ServiceSettings
from shared.security.constants import JWT_EXPIRATION, REFRESH_TOKEN_EXPIRATION


class Settings(ServiceSettings):
    service: Literal["back-auth"] = "back-auth"
    port: int = 8101

    back_postgres_url: str = "http://127.0.0.1:8103"
    back_redis_url: str = "http://127.0.0.1:8106"

    access_token_seconds: int = Field(default=JWT_EXPIRATION, gt=0, le=JWT_EXPIRATION)
    refresh_token_seconds: int = Field(default=REFRESH_TOKEN_EXPIRATION, gt=0)
    mail_token_seconds: int = Field(default=172_800, gt=0)
    reset_token_seconds: int = Field(default=3_600, gt=0)
    mail_token_tries: int = Field(default=10, ge=1, le=100)
    socket_ticket_seconds: int = Field(default=30, gt=0, le=300)

    resets_per_address_and_network: int = Field(default=3, ge=1, description="an hour")
    resets_per_address: int = Field(default=20, ge=1, description="an hour")
    resets_per_network: int = Field(default=20, ge=1, description="an hour")

    failed_logins_per_account_and_network: int = Field(default=10, ge=1)
    failed_logins_per_network: int = Field(default=50, ge=1)
    failed_logins_per_account: int = Field(default=100, ge=1)
    failed_logins_per_device: int = Field(default=10, ge=1)
    failed_logins_window_seconds: int = Field(default=900, ge=1)

    # argon2id as OWASP's password storage cheat sheet has it: 19 MiB, two passes, one lane.
    argon2_memory_kib: int = Field(default=19_456, ge=8)
    argon2_time_cost: int = Field(default=2, ge=1)
    argon2_parallelism: int = Field(default=1, ge=1)
    argon2_threads: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    argon2_waiting_max: int = Field(default=100, ge=0)
    argon2_wait_seconds: float = Field(
        default=1.0, gt=0, description="for a thread; with the hash less than the 2 s of a call"
    )

    signing_keys_interval: float = Field(default=2.0, gt=0, description="seconds between looks")

    @property
    def limits_networks(self) -> bool:
        """Whether the password resets of a network are limited: in development they are not."""
        return self.environment != "development"
