"""JSON Schemas of the models that contracts name, and the constants that services agree on."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from devtools.contracts.contract import Contract
from devtools.contracts.models import model
from devtools.contracts.reading import ContractFile
from shared.models.problem import Problem
from shared.security import constants

Role = Literal["request", "answer", "event"]
DIALECT = GenerateJsonSchema.schema_dialect


def named(contracts: Iterable[Contract]) -> dict[str, set[Role]]:
    """Every model that the contracts name, and what it is used as."""
    found: dict[str, set[Role]] = {"problem.Problem": {"answer"}}
    for contract in contracts:
        for name, role in _uses(contract):
            found.setdefault(name, set()).add(role)
    return dict(sorted(found.items()))


def mode(roles: set[Role]) -> JsonSchemaMode:
    """A field with a default is always in an answer, and may be absent in what is sent."""
    return "serialization" if roles == {"answer"} else "validation"


def file_name(name: str) -> str:
    """`event.Command[user.NewUser]` stands in `event.Command-user.NewUser.json`."""
    return name.replace("[", "-").replace("]", "") + ".json"


def render(name: str, roles: set[Role]) -> str:
    kind: type[BaseModel] = Problem if name == "problem.Problem" else model(name)
    schema = {"$schema": DIALECT, **kind.model_json_schema(mode=mode(roles))}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def render_constants(files: Mapping[str, ContractFile]) -> str:
    """Contracts' numbers and the constants of shared/security: none may change unversioned."""
    security = {name: it for name, it in sorted(vars(constants).items()) if name.isupper()}
    numbers = {
        name: dict(sorted(file.contract.numbers.items()))
        for name, file in files.items()
        if file.contract.numbers
    }
    return json.dumps({"contracts": numbers, "security": security}, indent=2) + "\n"


def _uses(contract: Contract) -> Iterator[tuple[str, Role]]:
    for endpoint in contract.endpoints:
        if endpoint.request:
            yield endpoint.request, "request"
        if endpoint.response.model:
            yield endpoint.response.model, "answer"
    for event in contract.events:
        yield event.payload, "event"
    for stream in contract.streams:
        yield stream.entry, "event"
    for socket in contract.sockets:
        yield socket.message, "event"
        for own in socket.events:
            if own.payload:
                yield own.payload, "event"
    for name in contract.schemas.values():
        yield name, "request"
