"""Refuses requests to another host name, as DNS rebinding makes a browser send them."""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from problems import problem


class AllowedHosts:
    """ASGI middleware: 421 problem+json where the `Host` header names none of `hosts`.

    Starlette's TrustedHostMiddleware answers plain text and does not parse IPv6 addresses.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope)
            if _without_port(request.headers.get("host", "")) not in self._hosts:
                refusal = problem(request, 421, "The mailbox does not answer for this host name.")
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _without_port(host: str) -> str:
    name, separator, port = host.lower().rpartition(":")
    return name if separator and port.isdigit() else host.lower()
