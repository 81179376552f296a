"""The correlation id of a request is in the logs of all services and in the mail."""

import os
from pathlib import Path

import pytest

from tests.stack import Mailbox, Visitor, until

ROOT = Path(__file__).resolve().parents[2]
CORRELATION = "drill-correlation-0001"
WENT_THROUGH = {
    "back-gateway",
    "back-api",
    "back-auth",
    "back-postgres",
    "back-workers-relay",
    "back-workers-celery",
}


def logs_folder() -> Path:
    return ROOT / ".run" / "stacks" / os.environ["DEV_STACK"] / "logs"


@pytest.mark.skipif("DEV_STACK" not in os.environ, reason="only a local stack shows its logs")
class TestOneId:
    async def test_is_in_every_log_and_in_the_mail(
        self, visitor: Visitor, mailbox: Mailbox
    ) -> None:
        correlation = f"{CORRELATION}-{visitor.email.split('@')[0][-8:]}"
        await visitor.register(**{"X-Correlation-ID": correlation})
        mail = await mailbox.first_to(visitor.email)
        headers = {name.lower(): values for name, values in mail.headers.items()}
        assert headers["x-correlation-id"] == [correlation]
        folder = logs_folder()

        async def everywhere() -> set[str] | None:
            found = {path.stem for path in folder.glob("*.log") if correlation in path.read_text()}
            return found if found >= WENT_THROUGH else None

        await until(everywhere, within=40)

    async def test_no_log_holds_a_password_a_token_or_an_address(self, user: Visitor) -> None:
        await user.refresh()
        secrets = [user.access_token, user.refresh_token, user.email, "correct horse battery"]
        for path in logs_folder().glob("*.log"):
            text = path.read_text(errors="replace")
            assert not [s for s in secrets if s in text], path.name
