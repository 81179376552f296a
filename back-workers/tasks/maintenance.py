"""The maintenance tasks. Each is idempotent."""

import asyncio
import time

import structlog
from pydantic import JsonValue

from digests import send_digests
from exports.export_file import remove_old
from settings import Settings
from shared.kit import ServiceClient
from shared.models.base import now
from shared.models.event import OutboxSwept, SweepOutbox
from shared.models.registration import SweepRegistrations
from shared.models.user import SweepCredentials, Swept
from task_client import TaskClient
from task_runner import Handler, Run

log = structlog.get_logger()

SWEEP_SECONDS = 30


def maintenance(postgres: ServiceClient, settings: Settings) -> dict[str, Handler]:
    """The handlers of the maintenance tasks by kind."""

    async def sweep_credentials(_: Run) -> JsonValue:
        return dict(await sweep(postgres, settings.unclaimed_credential_seconds))

    async def sweep_outbox(run: Run) -> JsonValue:
        removed = dict.fromkeys(("deliveries", "events", "commands"), 0)
        wanted = SweepOutbox(
            done_older_than_seconds=settings.outbox_kept_seconds,
            dead_older_than_seconds=settings.dead_letter_kept_seconds,
        )
        while True:
            swept = await postgres.post(
                "/outbox/sweep",
                wanted,
                response_model=OutboxSwept,
                idempotent=True,
                timeout=SWEEP_SECONDS,
            )
            for name, count in dict(swept).items():
                removed[name] += count
            if not swept.deliveries and not swept.commands:
                log.info("outbox_swept", **removed)
                return dict(removed)
            await run.report(0)

    async def sweep_registrations(_: Run) -> JsonValue:
        return dict(await sweep_ended(postgres, settings.ended_mail_token_seconds))

    async def sweep_tasks(_: Run) -> JsonValue:
        tasks = TaskClient(postgres)
        failed = await tasks.fail_lost()
        removed = (await tasks.sweep(settings.task_kept_seconds)).removed
        older_than = time.time() - settings.export_kept_seconds
        files = await asyncio.to_thread(remove_old, settings.exports_dir, older_than)
        log.info("tasks_swept", removed=removed, failed=failed, files=files)
        return {"removed": removed, "failed": failed, "files": files}

    async def digests(_: Run) -> JsonValue:
        sent = await send_digests(postgres, hour=settings.digest_hour, moment=now())
        return {"sent": sent}

    return {
        "send_digests": digests,
        "sweep_credentials": sweep_credentials,
        "sweep_outbox": sweep_outbox,
        "sweep_registrations": sweep_registrations,
        "sweep_tasks": sweep_tasks,
    }


async def sweep_ended(postgres: ServiceClient, token_seconds: int) -> dict[str, int]:
    """Remove registrations that nobody confirmed in time."""
    wanted = SweepRegistrations(older_than_seconds=token_seconds)
    swept = await _swept(postgres, "/registrations/sweep", wanted)
    log.info("registrations_swept", removed=swept.removed)
    return {"removed": swept.removed}


async def sweep(postgres: ServiceClient, older_than_seconds: int) -> dict[str, int]:
    """Remove credentials that no user claimed in time."""
    wanted = SweepCredentials(older_than_seconds=older_than_seconds)
    swept = await _swept(postgres, "/credentials/sweep", wanted)
    log.info("credentials_swept", removed=swept.removed)
    return {"removed": swept.removed}


async def _swept(
    postgres: ServiceClient, path: str, wanted: SweepCredentials | SweepRegistrations
) -> Swept:
    return await postgres.post(
        path, wanted, response_model=Swept, idempotent=True, timeout=SWEEP_SECONDS
    )
