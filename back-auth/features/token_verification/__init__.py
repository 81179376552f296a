"""Public keys and session states for every verifier, this service included."""

from functools import partial

from fastapi import APIRouter

from features.token_verification.api import router
from features.token_verification.domain import is_active
from features.token_verification.infrastructure import RedisSessionStates
from services.key_folder import KeyFolder
from shared.kit import Service, ServiceClient
from shared.kit.auth.revocations import Revocations


def feature(service: Service, keys: KeyFolder, redis: ServiceClient) -> APIRouter:
    """Let `service` verify access tokens with its own keys, and serve what others need for it."""
    sessions = RedisSessionStates(redis)
    revocations = Revocations(redis, "/streams/revocations", partial(is_active, sessions))
    service.background(keys.watch)
    service.background(revocations.follow)
    service.ready("revocations", revocations.ready)
    service.verifies_users(keys, revocations)
    return router(keys.ring, sessions)
