"""The verification of access tokens in this service."""

from shared.kit import Service, ServiceClient, asks_back_auth
from shared.kit.auth.revocations import Revocations
from shared.kit.auth.user_tokens import RemoteKeySet


def feature(service: Service, auth: ServiceClient, redis: ServiceClient) -> None:
    """Let `service` verify tokens with back-auth's keys and back-redis's revocation stream.

    The service is ready once the revocations of the last 20 minutes are known.
    """
    revocations = Revocations(redis, asks_back_auth(auth))
    service.background(revocations.follow)
    service.ready("revocations", revocations.ready)
    service.verifies_users(RemoteKeySet(auth), revocations)
