"""The network that a request comes from, as limits and the audit log name it."""

from ipaddress import IPv6Address, IPv6Network, ip_address

from fastapi.requests import HTTPConnection

UNKNOWN_NETWORK = "unknown"
_PREFIX_LENGTH = 64  # of the part of an IPv6 address that one customer has as a rule


def client_network(connection: HTTPConnection) -> str:
    """The IPv4 address of the client, or the /64 of its IPv6 address.

    The gateway sets `X-Real-IP` and passes on none from outside; without the header it is the
    address of the peer. "unknown" where neither is an address.
    """
    peer = connection.client.host if connection.client else ""
    try:
        address = ip_address(connection.headers.get("x-real-ip", peer))
    except ValueError:
        return UNKNOWN_NETWORK
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), _PREFIX_LENGTH), strict=False))
