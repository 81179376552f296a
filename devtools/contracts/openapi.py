"""Services as their contracts describe them: FastAPI routes that answer nothing.

FastAPI writes the OpenAPI document of a service from these routes, as it does from the real ones.
"""

from collections.abc import Callable, Iterable
from inspect import Parameter as Argument
from inspect import Signature
from typing import Annotated, TypedDict
from uuid import UUID

from fastapi import FastAPI, Header, Path, Query
from fastapi.params import Depends, Param
from fastapi.responses import JSONResponse, Response

from devtools.contracts.contract import Contract, Endpoint, Parameter
from devtools.contracts.models import model, named_type
from shared.kit.auth.guards import CurrentUser, calls_with_scope, user_with_permission
from shared.kit.errors import ERRORS_BY_STATUS, ServiceError
from shared.kit.http.app import Api
from shared.kit.http.problems import MEDIA_TYPE
from shared.kit.runtime.health import HealthChecks
from shared.models.base import Instant
from shared.models.problem import Problem

TYPES: dict[str, object] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "uuid": UUID,
    "instant": Instant,
}
"""The types of parameters, besides those of shared/models."""


class _Bounds(TypedDict):
    ge: int | None
    le: int | None
    min_length: int | None
    max_length: int | None
    pattern: str | None


def service(name: str, version: str, contracts: Iterable[Contract]) -> FastAPI:
    """The service `name` with every endpoint that a contract gives it, and the kit's own."""
    api = Api(name, version)
    api.include_router(HealthChecks(name, version).router())
    for contract in contracts:
        for endpoint in contract.endpoints:
            if endpoint.service == name:
                _add(api, contract, endpoint)
    return api


def type_of(parameter: Parameter) -> object:
    """The Python type of a parameter; UnknownModel where there is no such type."""
    return TYPES.get(parameter.type) or named_type(parameter.type).type


def path_parameters(endpoint: Endpoint) -> dict[str, Parameter]:
    """What stands in braces in the path: UUIDs, where the contract says nothing else."""
    names = [part[1:-1] for part in endpoint.path.split("/") if part.startswith("{")]
    return {name: endpoint.parameters.get(name, Parameter(type="uuid")) for name in names}


def operation_name(endpoint: Endpoint) -> str:
    words = endpoint.path.replace("{", "").replace("}", "").replace("-", "_").replace(".", "_")
    return "_".join([endpoint.method.lower(), *filter(None, words.split("/"))])


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
        responses={status: _errors(status, codes) for status, codes in endpoint.errors.items()},
        dependencies=_guards(endpoint),
        operation_id=operation_name(endpoint),
        tags=[contract.name],
        openapi_extra={
            "x-contract": contract.name,
            "x-callers": sorted(endpoint.callers),
            "x-idempotent": endpoint.idempotent,
        },
    )


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
    # FastAPI reads signatures, and a summary from the name.
    handler.__signature__ = Signature(arguments)  # type: ignore[attr-defined]
    handler.__name__ = operation_name(endpoint)
    handler.__doc__ = None
    return handler


def _argument(name: str, parameter: Parameter, kind: Callable[..., Param]) -> Argument:
    bounds = _Bounds(
        ge=parameter.minimum,
        le=parameter.maximum,
        min_length=parameter.min_length,
        max_length=parameter.max_length,
        pattern=parameter.pattern,
    )
    given = {key: value for key, value in bounds.items() if value is not None}
    annotation = type_of(parameter)
    optional = kind is not Path and not parameter.required
    if optional and parameter.default is None:
        annotation = annotation | None  # type: ignore[operator]
    return Argument(
        name.lower().replace("-", "_"),
        Argument.KEYWORD_ONLY,
        annotation=Annotated[annotation, kind(alias=name, **given)],
        default=parameter.default if optional else Argument.empty,
    )


def _guards(endpoint: Endpoint) -> list[Depends]:
    if endpoint.scope:
        return [calls_with_scope(endpoint.scope)]
    if endpoint.permission:
        return [user_with_permission(endpoint.permission)]
    return []


def _errors(status: int, codes: list[str]) -> dict[str, object]:
    examples = {code: {"value": _example(status, code)} for code in codes}
    return {
        "description": " or ".join(f"`{code}`" for code in codes),
        "content": {
            MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}
        },
    }


def _example(status: int, code: str) -> dict[str, object]:
    problem = Problem(
        type=f"urn:tools-dashboard:problem:{code}",
        title=ERRORS_BY_STATUS.get(status, ServiceError).title,
        status=status,
        detail=f"{code.replace('_', ' ').capitalize()}.",
        instance="/",
        code=code,
        correlation_id="00000000000000000000000000000000",
    )
    return problem.model_dump(exclude_none=True)
