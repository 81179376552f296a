"""Services as their contracts describe them: FastAPI routes that answer nothing.

FastAPI writes the OpenAPI document of a service from these routes, as it does from the real ones.
"""

from collections.abc import Callable, Iterable
from inspect import Parameter as Argument
from inspect import Signature
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Header, Path, Query
from fastapi.params import Depends, Param
from fastapi.responses import JSONResponse, Response

from shared.kit.auth.guards import CurrentUser, calls_with_scope, user_with_permission
from shared.kit.errors import ERRORS_BY_STATUS, ServiceError
from shared.kit.http.app import Api, error_response, partial_response
from shared.kit.http.idempotency import Once
from shared.kit.runtime.health import HealthChecks
from shared.models.base import Instant
from shared.testing.contracts.models import model, named_type
from shared.testing.contracts.schema import Contract, Endpoint, Parameter

TYPES: dict[str, object] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "uuid": UUID,
    "instant": Instant,
}
"""The types of parameters, besides those of shared/models."""


def service(name: str, version: str, contracts: Iterable[Contract]) -> FastAPI:
    """The service `name` with every endpoint that a contract gives it, and the kit's own."""
    return _api(name, version, contracts, lambda endpoint: endpoint.service == name)


def public_api(contracts: Iterable[Contract]) -> FastAPI:
    """The API that the gateway offers: what people call, of all services."""
    return _api("Tools Dashboard", "0", contracts, lambda endpoint: endpoint.scope is None)


def _api(
    name: str, version: str, contracts: Iterable[Contract], wanted: Callable[[Endpoint], bool]
) -> FastAPI:
    api = Api(name, version)
    api.include_router(HealthChecks(name, version).router())
    for contract in contracts:
        for endpoint in filter(wanted, contract.endpoints):
            _add(api, contract, endpoint)
    return api


def type_of(parameter: Parameter) -> object:
    """The Python type of a parameter; UnknownModel where there is no such type."""
    return TYPES.get(parameter.type) or named_type(parameter.type)


def path_parameters(endpoint: Endpoint) -> dict[str, Parameter]:
    """What stands in braces in the path: UUIDs, where the contract says nothing else."""
    names = [part[1:-1] for part in endpoint.path.split("/") if part.startswith("{")]
    return {name: endpoint.parameters.get(name, Parameter(type="uuid")) for name in names}


def _add(api: FastAPI, contract: Contract, endpoint: Endpoint) -> None:
    answer = endpoint.response
    media_type = answer.media_type

    class Answer(Response):
        pass

    Answer.media_type = media_type
    api.add_api_route(
        endpoint.path,
        _handler(endpoint),
        methods=[endpoint.method],
        status_code=answer.status,
        response_model=model(answer.model) if answer.model else None,
        response_class=Answer if media_type else JSONResponse,
        responses={**_partial(endpoint), **_errors(endpoint)},
        dependencies=_guards(endpoint),
        tags=[contract.name],
        openapi_extra={
            "x-contract": contract.name,
            "x-callers": sorted(endpoint.callers),
            "x-idempotent": endpoint.idempotent,
        },
    )


def _partial(endpoint: Endpoint) -> dict[int | str, dict[str, Any]]:
    answer = endpoint.response
    return {206: partial_response(answer.media_type or "")} if answer.partial else {}


def _errors(endpoint: Endpoint) -> dict[int | str, dict[str, Any]]:
    found: dict[int | str, dict[str, Any]] = {
        status: error_response(ERRORS_BY_STATUS.get(status, ServiceError), *codes)
        for status, codes in endpoint.errors.items()
    }
    if endpoint.response.media_type == "text/html":
        # A page tells of its own errors as a page.
        for response in found.values():
            response["content"]["text/html"] = {"schema": {"type": "string"}}
    return found


def _handler(endpoint: Endpoint) -> Callable[..., None]:
    def handler(**_: object) -> None:
        """Never called: only its signature is read."""

    arguments = [
        _argument(name, parameter, kind)
        for kind, parameters in (
            (Path, path_parameters(endpoint)),
            (Query, endpoint.query),
            (Header, endpoint.headers),
        )
        for name, parameter in parameters.items()
    ]
    if endpoint.request:
        body = model(endpoint.request)
        arguments.append(Argument("body", Argument.KEYWORD_ONLY, annotation=body))
    if endpoint.auth_required and not endpoint.permission:
        arguments.append(Argument("user", Argument.KEYWORD_ONLY, annotation=CurrentUser))
    if endpoint.idempotency_key:
        arguments.append(Argument("once", Argument.KEYWORD_ONLY, annotation=Once))
    # FastAPI reads signatures, and a summary from the name.
    handler.__signature__ = Signature(arguments)  # type: ignore[attr-defined]
    handler.__name__ = f"{endpoint.method} {endpoint.path}"
    handler.__doc__ = None
    return handler


def _argument(name: str, parameter: Parameter, kind: Callable[..., Param]) -> Argument:
    said = kind(
        alias=name,
        ge=parameter.minimum,
        le=parameter.maximum,
        min_length=parameter.min_length,
        max_length=parameter.max_length,
        pattern=parameter.pattern,
    )
    annotation = type_of(parameter)
    optional = kind is not Path and not parameter.required
    if optional and parameter.default is None:
        annotation = annotation | None  # type: ignore[operator]
    return Argument(
        name.lower().replace("-", "_"),
        Argument.KEYWORD_ONLY,
        annotation=Annotated[annotation, said],
        default=parameter.default if optional else Argument.empty,
    )


def _guards(endpoint: Endpoint) -> list[Depends]:
    if endpoint.scope:
        return [calls_with_scope(endpoint.scope)]
    if endpoint.permission:
        return [user_with_permission(endpoint.permission)]
    return []
