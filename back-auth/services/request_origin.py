"""Where a request came from, as sessions and events keep it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestOrigin:
    """The network (an IPv4 address, an IPv6 /64) and the device (User-Agent) of a request."""

    network: str
    device: str
