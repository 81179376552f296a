import structlog
from celery import Task

from celeryconfig import celery
from shared.kit import ServiceClient
from shared.kit.errors import ServiceError
from shared.models.registration import SweepRegistrations
from shared.models.user import SweepCredentials, Swept
from tasks.worker_runtime import correlated_run, worker_runtime

log = structlog.get_logger()

SWEEP_SECONDS = 30


@celery.task(name="sweep_credentials", bind=True, throws=(ServiceError,))
def sweep_credentials(self: Task[[], dict[str, int]]) -> dict[str, int]:
    """Remove credentials that no user claimed in time. It is idempotent."""
    runtime = worker_runtime()
    sweeping = sweep(runtime.postgres, runtime.settings.unclaimed_credential_seconds)
    return correlated_run(self, sweeping)


@celery.task(name="sweep_registrations", bind=True, throws=(ServiceError,))
def sweep_registrations(self: Task[[], dict[str, int]]) -> dict[str, int]:
    """Remove registrations that nobody confirmed in time. It is idempotent."""
    runtime = worker_runtime()
    sweeping = sweep_ended(runtime.postgres, runtime.settings.ended_mail_token_seconds)
    return correlated_run(self, sweeping)


async def sweep_ended(postgres: ServiceClient, token_seconds: int) -> dict[str, int]:
    wanted = SweepRegistrations(older_than_seconds=token_seconds)
    swept = await _swept(postgres, "/registrations/sweep", wanted)
    log.info("registrations_swept", removed=swept.removed)
    return swept.model_dump()


async def sweep(postgres: ServiceClient, older_than_seconds: int) -> dict[str, int]:
    wanted = SweepCredentials(older_than_seconds=older_than_seconds)
    swept = await _swept(postgres, "/credentials/sweep", wanted)
    log.info("credentials_swept", removed=swept.removed)
    return swept.model_dump()


async def _swept(
    postgres: ServiceClient, path: str, wanted: SweepCredentials | SweepRegistrations
) -> Swept:
    return await postgres.post(
        path, wanted, response_model=Swept, idempotent=True, timeout=SWEEP_SECONDS
    )
