"""Runs an endpoint of plain shape without those parts of FastAPI that the shape does not use."""

import inspect
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, Self

from fastapi import params
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_body_to_args, request_params_to_args
from fastapi.routing import APIRoute, RouteContext, serialize_response
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Arguments = dict[str, object]

_NO_BODY = frozenset({204, 205, 304})
_JSON = "application/json"
_GIVEN_BY_FASTAPI = (
    "http_connection_param_name",
    "response_param_name",
    "background_tasks_param_name",
    "security_scopes_param_name",
)


class _NotPlain(Exception):
    """FastAPI decides about this request."""


class _Guarding(Protocol):
    """A security scheme of `shared.kit.auth.guards`, or one of FastAPI."""

    def __call__(self, **arguments: object) -> Awaitable[object]: ...


@dataclass(frozen=True, slots=True)
class _Guard:
    """A security dependency: how it is called, and the argument of the endpoint that it gives."""

    call: _Guarding
    connection: str
    scopes: Arguments
    gives: str | None

    @classmethod
    def of(cls, dependant: Dependant) -> Self:
        named = [*(dependant.parent_oauth_scopes or ()), *(dependant.own_oauth_scopes or ())]
        scopes = SecurityScopes(scopes=list(dict.fromkeys(named)))
        taken = dependant.security_scopes_param_name
        return cls(
            dependant.call,  # type: ignore[arg-type]  # _is_guard has seen that it is one
            dependant.http_connection_param_name or dependant.request_param_name or "",
            {taken: scopes} if taken else {},
            dependant.name,
        )


class _Recorded:
    """Receives the messages of a request, and can give them again."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: list[Message] = []

    async def __call__(self) -> Message:
        message = await self._receive()
        self._messages.append(message)
        return message

    async def again(self) -> Message:
        return self._messages.pop(0) if self._messages else await self._receive()


class DirectEndpoint:
    """Guards, arguments, endpoint and answer of a route, in FastAPI's order and by its functions.

    A request that FastAPI would refuse because of its content is given to FastAPI from the start,
    so that nothing here makes an error. The guards then run a second time.
    """

    def __init__(self, route: RouteContext) -> None:
        dependant: Dependant = route.dependant
        self._fastapi: ASGIApp = route.app
        self._endpoint: Callable[..., Awaitable[object]] = route.dependant.call
        self._guards = [_Guard.of(it) for it in dependant.dependencies]
        self._path, self._query = dependant.path_params, dependant.query_params
        self._body = dependant.body_params
        self._request = dependant.request_param_name
        self._status: int = route.status_code or 200
        self._answer = {
            "field": route.response_field,
            "include": route.response_model_include,
            "exclude": route.response_model_exclude,
            "by_alias": route.response_model_by_alias,
            "exclude_unset": route.response_model_exclude_unset,
            "exclude_defaults": route.response_model_exclude_defaults,
            "exclude_none": route.response_model_exclude_none,
        }

    @classmethod
    def of(cls, route: RouteContext) -> Self | None:
        """The endpoint of the route; None where its shape is not plain."""
        return cls(route) if _is_plain(route) and _takes_plain(route.dependant) else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        recorded = _Recorded(receive)
        request = Request(scope, recorded, send)
        try:
            arguments = await self._arguments(request)
        except _NotPlain:
            await self._fastapi(scope, recorded.again, send)
            return
        answer = await self._endpoint(**arguments)
        response = answer if isinstance(answer, Response) else await self._response(answer)
        await response(scope, receive, send)

    async def _arguments(self, request: Request) -> Arguments:
        arguments: Arguments = {}
        body = await _json_of(request) if self._body else None
        for guard in self._guards:
            given = await guard.call(**{guard.connection: request}, **guard.scopes)
            if guard.gives:
                arguments[guard.gives] = given
        values, errors = request_params_to_args(self._path, request.path_params)
        arguments |= values
        if self._query:
            values, more = request_params_to_args(self._query, request.query_params)
            arguments |= values
            errors += more
        if self._body:
            values, more = await request_body_to_args(self._body, body, embed_body_fields=False)
            arguments |= values
            errors += more
        if errors:
            raise _NotPlain
        if self._request:
            arguments[self._request] = request
        return arguments

    async def _response(self, answer: object) -> Response:
        content = await serialize_response(response_content=answer, dump_json=True, **self._answer)
        return Response(content, self._status, media_type=_JSON)


async def _json_of(request: Request) -> object:
    """Raises _NotPlain where the body is absent, of no stated length, or no JSON."""
    headers = request.headers
    if headers.get("content-type") != _JSON or "content-length" not in headers:
        raise _NotPlain
    try:
        return json.loads(await request.body())
    except (ClientDisconnect, RecursionError, ValueError) as error:
        raise _NotPlain from error


def _is_plain(route: RouteContext) -> bool:
    return (
        type(route.original_route) is APIRoute
        and inspect.iscoroutinefunction(route.endpoint)
        and isinstance(route.response_class, DefaultPlaceholder)
        and route.response_field is not None
        and route.status_code not in _NO_BODY
        and route.max_body_size is None
        and not (route.is_sse_stream or route.is_json_stream)
    )


def _takes_plain(dependant: Dependant) -> bool:
    return (
        all(_is_guard(it) for it in dependant.dependencies)
        and not (dependant.header_params or dependant.cookie_params)
        and not any(getattr(dependant, name) for name in _GIVEN_BY_FASTAPI)
        and _is_one_model(dependant)
    )


def _is_one_model(dependant: Dependant) -> bool:
    bodies = [it.field_info for it in dependant.body_params]
    return len(bodies) < 2 and all(type(it) is params.Body and not it.embed for it in bodies)


def _is_guard(dependant: Dependant) -> bool:
    fields = (dependant.path_params, dependant.query_params, dependant.header_params)
    return (
        isinstance(dependant.call, SecurityBase)
        and not any((*fields, dependant.cookie_params, dependant.body_params))
        and not dependant.dependencies
        and bool(dependant.http_connection_param_name or dependant.request_param_name)
    )
