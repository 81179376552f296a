"""The retention of the outbox."""

from fastapi import APIRouter

from repositories.outbox_retention_repository import OutboxRetentionRepository
from shared.kit.auth.guards import calls_with_scope
from shared.models.event import OutboxSwept, SweepOutbox


def router(retention: OutboxRetentionRepository) -> APIRouter:
    router = APIRouter(tags=["events"])

    @router.post("/outbox/sweep", dependencies=[calls_with_scope("outbox:sweep")])
    async def sweep_outbox(asked: SweepOutbox) -> OutboxSwept:
        return await retention.sweep(asked)

    return router
