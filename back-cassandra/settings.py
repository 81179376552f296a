"""The settings of this service."""

from typing import Literal

from pydantic import Field

from shared.kit import ServiceSettings


class Settings(ServiceSettings):
    service: Literal["back-cassandra"] = "back-cassandra"
    port: int = 8104

    # Twice those of the callers, so that these refuse a request before work is done in vain.
    requests_min: int = Field(default=32, ge=1)
    requests_max: int = Field(default=128, ge=1)
    queueing_seconds: float = Field(default=0.08, gt=0)
    body_max_bytes: int = Field(
        default=262_144, gt=0, description="an event is written twice in a batch of 640 KiB at most"
    )

    cassandra_host: str = "127.0.0.1"
    cassandra_port: int = 9042
    cassandra_user: str = Field(default="", description="empty: the engine asks for no password")
    cassandra_keyspace: str = Field(default="tools", pattern=r"^[a-z][a-z0-9_]{0,47}$")
    cassandra_datacenter: str = Field(default="", description="empty: that of the first node")
    cassandra_consistency: Literal["LOCAL_ONE", "LOCAL_QUORUM"] = "LOCAL_QUORUM"
    cassandra_replication_factor: int = Field(default=1, ge=1, description="of a new keyspace")

    connect_timeout: float = Field(default=2.0, gt=0, description="seconds to reach a node")
    request_timeout: float = Field(default=1.5, gt=0, description="seconds for a statement")
    page_timeout: float = Field(default=1.8, gt=0, description="seconds for all days of a page")
    schema_timeout: float = Field(default=10.0, gt=0, description="seconds for a migration's step")
    reconnect_after: float = Field(
        default=5.0, gt=0, description="seconds without an answer until the connection is made anew"
    )

    page_days: int = Field(default=31, ge=1, description="days that one page looks at, at most")
    timeline_kept_seconds: int = Field(
        default=7_776_000, ge=60, le=630_720_000, description="for which a notification is kept"
    )
    launches_kept_seconds: int = Field(
        default=31_536_000, ge=60, le=630_720_000, description="for which a launch is kept"
    )
