"""The settings of back-redis, from environment variables."""

from typing import Literal

from pydantic import Field

from shared.kit import ServiceSettings
from shared.models.auth import SESSION_SECONDS_MAX


class Settings(ServiceSettings):
    """The numbers are those of the contracts that name a setting of back-redis."""

    service: Literal["back-redis"] = "back-redis"
    port: int = 8106

    # Twice those of the callers, so that these refuse a request before work is done in vain.
    requests_min: int = Field(default=32, ge=1)
    requests_max: int = Field(default=128, ge=1)
    queueing_seconds: float = Field(default=0.08, gt=0)

    valkey_host: str = "127.0.0.1"
    valkey_port: int = 6379
    valkey_user: str = "back-redis"
    valkey_connections: int = Field(default=50, gt=0)
    valkey_timeout: float = Field(default=1.0, gt=0, description="seconds for one command")

    sessions_per_user: int = Field(default=20, gt=0)
    session_seconds_max: int = Field(default=SESSION_SECONDS_MAX, gt=0, le=SESSION_SECONDS_MAX)
    refresh_repeat_seconds: int = Field(
        default=30, ge=0, description="for which a spent refresh token gets its successor again"
    )
    security_events_max: int = Field(default=50_000, gt=0, description="in the stream")
    revocation_kept_seconds: int = Field(default=1200, gt=0)
    live_events_kept_per_user: int = Field(default=200, gt=0)
    live_events_kept_seconds: int = Field(default=86_400, gt=0)
    live_stream_length: int = Field(default=10_000, gt=0)
    unread_kept_seconds: int = Field(
        default=7_776_000, gt=0, description="for which an unread count stays without a change"
    )
    unread_checked_seconds: int = Field(
        default=3600, gt=0, description="after which a count is compared with the timeline"
    )
    unread_pending_seconds: int = Field(
        default=900, gt=0, description="for which an addition counts without the timeline"
    )
    unread_marks_kept_seconds: int = Field(
        default=86_400, gt=0, description="for which a mark waits for its notification"
    )

    idempotency_kept_seconds: int = Field(default=86_400, gt=0, description="a response")
    idempotency_kept_per_user: int = Field(default=1000, gt=0, description="responses")

    used_link_remembered_seconds: int = Field(
        default=86_400, gt=0, description="a download link that was used or is too old"
    )
    download_resume_seconds: int = Field(
        default=3600, gt=0, description="in which a download that broke off can go on"
    )

    heartbeat_ms: int = Field(default=500, gt=0)
    silence_ms: int = Field(default=1000, gt=0)
    subscriber_queue: int = Field(default=1000, gt=0, description="entries a subscriber may lag")
