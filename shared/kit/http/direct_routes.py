"""ASGI middleware that finds the route of a request by one regular expression for its method."""

import re
from collections.abc import Iterable, Sequence

from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.convertors import Convertor
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.kit.http.direct_endpoint import DirectEndpoint

_NAMED_GROUP = re.compile(r"\(\?P<\w+>")


class DirectRoutes:
    """Runs the first route that matches method and path, without the router, and its endpoint
    without FastAPI where `DirectEndpoint` can.

    The router compares a request with each route in turn, twice for an included one. What does not
    match fully is left to it: 404, 405, WebSockets, mounts; so are routes that are added after the
    start of the server, or else the first request.
    """

    def __init__(self, app: ASGIApp, *, routes: Sequence[BaseRoute]) -> None:
        self._app = app
        self._routes = routes
        self._by_method: dict[str, _MethodRoutes] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._by_method is None:
            self._by_method = _by_method(self._routes)
        if scope["type"] == "http" and not scope.get("root_path"):
            found = self._by_method.get(scope["method"])
            route = found.first(scope["path"]) if found else None
            if route is not None:
                await route.run(scope, receive, send)
                return
        await self._app(scope, receive, send)


class _DirectRoute:
    """A route that method and path decide alone."""

    def __init__(self, route: RouteContext) -> None:
        self._pattern: re.Pattern[str] = route.path_regex
        self._convertors: dict[str, Convertor[object]] = route.param_convertors
        self._facts = {"endpoint": route.endpoint, "route": route.original_route}
        self._app: ASGIApp = DirectEndpoint.of(route) or route.app

    async def run(self, scope: Scope, receive: Receive, send: Send) -> None:
        match = self._pattern.match(scope["path"])
        given = match.groupdict() if match else {}
        scope["path_params"] = {
            name: self._convertors[name].convert(text) for name, text in given.items()
        }
        scope.update(self._facts)
        await self._app(scope, receive, send)


class _MethodRoutes:
    """The routes of one method, in their order."""

    def __init__(self, routes: Iterable[RouteContext]) -> None:
        numbered = {f"route_{number}": it for number, it in enumerate(routes)}
        patterns = (
            f"(?P<{name}>{_NAMED_GROUP.sub('(?:', route.path_regex.pattern)})"
            for name, route in numbered.items()
        )
        self._pattern = re.compile("|".join(patterns))
        self._routes = {
            name: _DirectRoute(route)
            for name, route in numbered.items()
            if _matches_by_path(route.original_route)
        }

    def first(self, path: str) -> _DirectRoute | None:
        """The first route that matches, or None where that is one that only the router can run."""
        match = self._pattern.match(path)
        return self._routes.get(match.lastgroup) if match and match.lastgroup else None


def _matches_by_path(route: BaseRoute) -> bool:
    """Whether method and path decide alone, as they do unless a class of routes says otherwise."""
    return isinstance(route, Route) and type(route).matches in {Route.matches, APIRoute.matches}


def _by_method(routes: Sequence[BaseRoute]) -> dict[str, _MethodRoutes]:
    contexts = [it for it in iter_route_contexts(routes) if hasattr(it, "path_regex")]
    methods = {method for it in contexts for method in getattr(it, "methods", None) or ()}
    return {
        method: _MethodRoutes(it for it in contexts if method in (it.methods or {method}))
        for method in methods
    }
