"""The settings of this service."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from shared.kit import ServiceSettings


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The number and delays of retries of a delivery, and the pauses of a consumer."""

    attempts_max: int
    backoff: float
    backoff_max: float
    pause: float
    pause_max: float
    failures_before_pause: int
    failing_pause: float
    failing_pause_max: float


class Settings(ServiceSettings):
    service: Literal["back-postgres"] = "back-postgres"
    port: int = 8103

    # Twice those of the callers, so that these refuse a request before work is done in vain.
    requests_min: int = Field(default=32, ge=1)
    requests_max: int = Field(default=128, ge=1)
    queueing_seconds: float = Field(default=0.08, gt=0)

    postgres_host: str = "127.0.0.1"
    postgres_port: int = 5432
    postgres_user: str = "tools"
    postgres_database: str = "tools"

    pool_size: int = Field(default=10, ge=1, description="connections of this process at most")
    acquire_timeout: float = Field(default=1.0, gt=0, description="seconds to get a connection")
    lock_timeout: float = Field(default=1.0, gt=0, description="seconds to wait for a lock")
    statement_timeout: float = Field(default=1.2, gt=0, description="seconds, kept by PostgreSQL")
    command_timeout: float = Field(
        default=1.5, gt=0, description="seconds to wait for PostgreSQL to answer at all"
    )

    delivery_attempts_max: int = Field(default=8, ge=1)
    delivery_backoff: float = Field(default=1.0, gt=0, description="seconds, doubled an attempt")
    delivery_backoff_max: float = Field(default=300.0, gt=0)
    pause: float = Field(default=0.5, gt=0, description="seconds, doubled a failure in a row")
    pause_max: float = Field(default=5.0, gt=0)
    failures_before_pause: int = Field(
        default=5, ge=2, description="different events of a consumer in a row that failed"
    )
    failing_pause: float = Field(
        default=5.0, gt=0, description="seconds, doubled with each further event that fails"
    )
    failing_pause_max: float = Field(default=60.0, gt=0)
    claim_fallback: float = Field(
        default=1.0, gt=0, description="seconds between two looks while no notification comes"
    )

    def retry_policy(self) -> RetryPolicy:
        return RetryPolicy(
            attempts_max=self.delivery_attempts_max,
            backoff=self.delivery_backoff,
            backoff_max=self.delivery_backoff_max,
            pause=self.pause,
            pause_max=self.pause_max,
            failures_before_pause=self.failures_before_pause,
            failing_pause=self.failing_pause,
            failing_pause_max=self.failing_pause_max,
        )
