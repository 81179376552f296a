"""TypeScript types of what the fronts send and get, from the models' JSON Schemas."""

import json
import re
from collections.abc import Iterable, Mapping

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from devtools.contracts.contract import Contract, Endpoint
from devtools.contracts.models import model
from devtools.contracts.schemas import mode, named
from devtools.contracts.shapes import Json, Schema

HEADER = """\
// What the public API takes and answers, and the live events of a user's socket.
// Written by ./dev contracts sync from shared/contracts and shared/models; not by hand.
"""
PRIMITIVES = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}
IDENTIFIER = re.compile(r"^[A-Za-z_$][\w$]*$")


class Unwritable(Exception):
    """A schema uses a word that this writer doesn't know."""


def render(contracts: Iterable[Contract]) -> str:
    """The text of `shared/contracts/generated/types.ts`."""
    listed = list(contracts)
    endpoints = sorted(
        (it for contract in listed for it in contract.endpoints if it.scope is None),
        key=lambda it: (it.path, it.method),
    )
    live = sorted(
        (event.type, event.payload)
        for contract in listed
        for event in contract.events
        if "live" in event.consumers
    )
    names = {"problem.Problem", *(payload for _, payload in live)}
    names |= {it.request for it in endpoints if it.request}
    names |= {it.response.model for it in endpoints if it.response.model}
    names |= {socket.message for contract in listed for socket in contract.sockets}
    roles = named(listed)
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (model(name), mode(roles[name])) for name in sorted(names)
    ]
    references, shapes = models_json_schema(wanted)
    types = {
        name: references[kind, mode_]["$ref"].rpartition("/")[2]
        for name, (kind, mode_) in zip(sorted(names), wanted, strict=True)
    }
    parts = [_declaration(name, shape) for name, shape in sorted(shapes["$defs"].items())]
    events = "".join(f"  {json.dumps(kind)}: {types[payload]};\n" for kind, payload in live)
    calls = "".join(_call(endpoint, types) for endpoint in endpoints)
    parts += [
        _interface("LiveEvents", "Payloads of live events by `event_type`.", events),
        _interface("Endpoints", "What each public endpoint takes and answers.", calls),
    ]
    return HEADER + "\n" + "\n".join(parts)


def _interface(name: str, comment: str, fields: str) -> str:
    return f"/** {comment} */\nexport interface {name} {{\n{fields}}}\n"


def _call(endpoint: Endpoint, types: Mapping[str, str]) -> str:
    request = types[endpoint.request] if endpoint.request else "undefined"
    answer = types[endpoint.response.model] if endpoint.response.model else "undefined"
    if endpoint.response.media_type:
        answer = "string"
    codes = sorted({json.dumps(code) for codes in endpoint.errors.values() for code in codes})
    return (
        f"  {json.dumps(f'{endpoint.method} {endpoint.path}')}: {{\n"
        f"    request: {request};\n"
        f"    response: {answer};\n"
        f"    status: {endpoint.response.status};\n"
        f"    codes: {' | '.join(codes) or 'never'};\n"
        "  };\n"
    )


def _declaration(name: str, schema: Schema) -> str:
    comment = _comment(schema, "")
    if schema.get("type") != "object":
        return f"{comment}export type {name} = {_type(schema)};\n"
    return f"{comment}export interface {name} {{\n{_fields(schema)}}}\n"


def _fields(schema: Schema) -> str:
    required = schema.get("required", [])
    text = ""
    for name, shape in _object(schema.get("properties", {})).items():
        field = name if IDENTIFIER.match(name) else json.dumps(name)
        mark = "" if isinstance(required, list) and name in required else "?"
        text += f"{_comment(_object(shape), '  ')}  {field}{mark}: {_type(_object(shape))};\n"
    return text


def _comment(schema: Schema, indent: str) -> str:
    said = schema.get("description")
    if not isinstance(said, str):
        return ""
    lines = said.strip().splitlines()
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    inner = "".join(f"{indent} * {line}".rstrip() + "\n" for line in lines)
    return f"{indent}/**\n{inner}{indent} */\n"


def _type(schema: Schema) -> str:  # noqa: PLR0911 - one line a word of JSON Schema
    match schema:
        case {"$ref": str(reference)}:
            return reference.rpartition("/")[2]
        case {"const": value}:
            return json.dumps(value)
        case {"enum": list(values)}:
            return " | ".join(json.dumps(value) for value in values)
        case {"anyOf": list(choices)}:
            return " | ".join(_type(_object(choice)) for choice in choices)
        case {"type": "array", "items": items}:
            inner = _type(_object(items))
            return f"({inner})[]" if "|" in inner else f"{inner}[]"
        case {"type": "object", "additionalProperties": dict(values)}:
            return f"Record<string, {_type(values)}>"
        case {"type": "object"}:
            return "Record<string, unknown>"
        case {"type": str(kind)} if kind in PRIMITIVES:
            return PRIMITIVES[kind]
        case _ if not set(schema) - {"title", "description", "default"}:
            return "unknown"
    raise Unwritable(f"no TypeScript is known for {json.dumps(schema)}")


def _object(value: Json) -> Schema:
    if not isinstance(value, Mapping):
        raise Unwritable(f"an object is meant, not {value!r}")
    return value
