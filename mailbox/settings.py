from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where mails arrive and how many are kept; each field is an environment variable.

    Sizes are bytes. `kept_mails` and `kept_bytes` bound the folder: the oldest mails go first.
    `allowed_hosts` are the names that requests may address (the `Host` header, without a port).
    """

    model_config = SettingsConfigDict(frozen=True)

    mailbox_dir: Path
    smtp_host: str = "127.0.0.1"
    smtp_port: int = 1025
    largest_mail: int = 10_000_000
    kept_mails: int = 500
    kept_bytes: int = 200_000_000
    allowed_hosts: frozenset[str] = frozenset({"127.0.0.1", "localhost", "mailbox"})
