import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit

from pydantic import Field

from shared.kit import ServiceSettings
from shared.models.export import EXPORT_PAGE_MAX


@dataclass(frozen=True, slots=True)
class PostponePolicy:
    """How long an unreachable consumer pauses, and for how long that costs no attempt (seconds)."""

    pause_seconds: float
    max_seconds: float


class Settings(ServiceSettings):
    """Settings of all processes: the HTTP service, the relay, the workers and beat."""

    service: Literal["back-workers"] = "back-workers"
    port: int = 8107

    back_api_url: str = "http://127.0.0.1:8100"
    back_auth_url: str = "http://127.0.0.1:8101"
    back_postgres_url: str = "http://127.0.0.1:8103"
    back_cassandra_url: str = "http://127.0.0.1:8104"
    back_redis_url: str = "http://127.0.0.1:8106"

    broker_host: str = "127.0.0.1"
    broker_port: int = 6379
    broker_user: str = "back-workers"
    broker_timeout: float = Field(default=1, gt=0, description="seconds for a call to the broker")

    lease_seconds: float = Field(default=8, gt=0, le=60)
    claim_wait_seconds: float = Field(default=10, ge=0, le=30, description="of one long poll")
    claim_fallback_seconds: float = Field(default=1, gt=0, description="between failed claims")
    pause_seconds: float = Field(default=1, gt=0, description="of a consumer that can't be reached")
    postpone_max_seconds: float = Field(
        default=86_400, gt=0, description="for which a delivery is postponed at no attempt"
    )
    deliveries_at_once: int = Field(
        default=100,
        ge=1,
        le=200,
        description="a claim of a consumer; one under way ends its claims",
    )
    gather_seconds: float = Field(
        default=0.04,
        ge=0,
        description="between two claims, unless the first was full; up to twice that under load",
    )
    stop_seconds: float = Field(default=5, gt=0, description="to finish deliveries under way")

    public_base_url: str = "http://127.0.0.1:8000"
    mail_from: str = "Tools Dashboard <no-reply@tools-dashboard.example>"
    mail_seconds: float = Field(default=30, gt=0, description="for one mail, token to complete")
    mail_retry_seconds: float = Field(
        default=300, gt=0, description="after a mail was deferred, tripled an attempt"
    )
    mail_age_max_seconds: float = Field(
        default=172_800, gt=0, le=172_800, description="of the event, to try a deferred mail again"
    )
    smtp_host: str = "127.0.0.1"
    smtp_port: int = 1025
    smtp_security: Literal["none", "starttls", "tls"] = "none"
    smtp_user: str | None = Field(default=None, description="password: the secret smtp.password")
    smtp_timeout: float = Field(default=10, gt=0, description="seconds for a step of SMTP")

    report_seconds: float = Field(
        default=1, gt=0, description="between two reports of the progress of a task"
    )
    task_retries: int = Field(default=3, ge=0, le=6, description="after a first run that failed")
    task_retry_seconds: float = Field(
        default=10, gt=0, description="after a run that failed, doubled an attempt"
    )
    task_kept_seconds: int = Field(default=604_800, ge=60, description="after its end")
    exports_dir: Path = Field(
        default=Path(tempfile.gettempdir(), "exports"),
        description="the HTTP service and all workers share it",
    )
    export_page: int = Field(default=1000, ge=1, le=EXPORT_PAGE_MAX, description="users")
    export_kept_seconds: int = Field(default=86_400, ge=60, description="the file")
    download_link_seconds: int = Field(default=300, ge=1, le=3600)
    beat_lease_seconds: float = Field(
        default=15,
        gt=0,
        le=300,
        description="without a sign of one beat until another starts tasks",
    )

    unclaimed_credential_seconds: int = Field(default=86400, ge=60)
    ended_mail_token_seconds: int = Field(default=604_800, ge=60)
    digest_hour: int = Field(default=8, ge=0, le=23, description="in the time zone of its user")
    digest_interval_seconds: float = Field(default=900, gt=0, description="between two looks")
    digest_items_max: int = Field(default=50, ge=1, le=200, description="that a digest lists")
    outbox_kept_seconds: int = Field(
        default=604_800, ge=86_400, description="deliveries that are done, and answers of commands"
    )
    dead_letter_kept_seconds: int = Field(default=7_776_000, ge=86_400)
    sweep_interval_seconds: float = Field(default=3600, gt=0)

    def postpone_policy(self) -> PostponePolicy:
        return PostponePolicy(self.pause_seconds, self.postpone_max_seconds)

    @property
    def broker_url(self) -> str:
        """Where the broker is, with the password.

        Raises:
            SecretMissing: there is no `broker.password`.
        """
        password = quote(self.secret("broker.password"), safe="")
        user = quote(self.broker_user, safe="")
        return f"redis://{user}:{password}@{self.broker_host}:{self.broker_port}/0"

    @property
    def public_host(self) -> str:
        """The host name of the public URL, used in a Message-ID."""
        return urlsplit(self.public_base_url).hostname or "localhost"
