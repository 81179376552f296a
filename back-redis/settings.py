"""The settings of back-redis, from environment variables."""

from typing import Literal

from pydantic import Field

from shared.kit import ServiceSettings


class Settings(ServiceSettings):
    """The numbers are those of the contracts `sessions` and `live-notifications`."""

    service: Literal["back-redis"] = "back-redis"
    port: int = 8106

    valkey_host: str = "127.0.0.1"
    valkey_port: int = 6379
    valkey_user: str = "back-redis"
    valkey_connections: int = Field(default=50, gt=0)
    valkey_timeout: float = Field(default=1.0, gt=0, description="seconds for one command")

    revocation_kept_seconds: int = Field(default=1200, gt=0)
    live_events_kept_per_user: int = Field(default=200, gt=0)
    live_events_kept_seconds: int = Field(default=86_400, gt=0)
    live_stream_length: int = Field(default=10_000, gt=0)

    heartbeat_ms: int = Field(default=500, gt=0)
    silence_ms: int = Field(default=1000, gt=0)
    subscriber_queue: int = Field(default=1000, gt=0, description="entries a subscriber may lag")
