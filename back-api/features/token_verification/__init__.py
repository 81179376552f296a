"""The verification of access tokens in this service."""

from shared.kit import Service, ServiceClient
from shared.kit.auth.revocations import Revocations, session_check
from shared.kit.auth.user_tokens import RemoteKeySet


def feature(service: Service, auth: ServiceClient, redis: ServiceClient) -> None:
    """Let `service` verify tokens with back-auth's keys and back-redis's revocation stream.

    The service is ready once the revocations of the last 20 minutes are known.
    """
    is_active = session_check(auth, "/internal/sessions")
    revocations = Revocations(redis, "/streams/revocations", is_active)
    service.background(revocations.follow)
    service.ready("revocations", revocations.ready)
    service.verifies_users(RemoteKeySet(auth), revocations)
