"""OpenAPI and AsyncAPI documents, reduced to what two sides must agree on.

One function makes the shape of an operation, whether its document came from a contract or from a
real app: titles, descriptions and examples are left out and references are followed. A schema
that a reference led to keeps the name of its model.
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

Json: TypeAlias = "Mapping[str, Json] | list[Json] | str | int | float | bool | None"
Schema: TypeAlias = Mapping[str, Json]

METHODS = ("get", "post", "put", "patch", "delete")
MODEL = "x-model"
"""The key that holds the name of a model."""

_FOR_PEOPLE = {"title", "description", "examples", "example"}


def operations(document: Schema) -> dict[str, Schema]:
    """What an API offers, by `POST /users`: each operation as its document has it."""
    return {
        f"{method.upper()} {path}": mapping(operation)
        for path, methods in mapping(document["paths"]).items()
        for method, operation in mapping(methods).items()
        if method in METHODS
    }


def shape(document: Schema, operation: Schema) -> Schema:
    """The guard, parameters, body and answers of an operation of `document`."""
    return {
        "auth": operation.get("security", []),
        "parameters": dict(_parameters(document, operation)),
        "body": _content(document, operation.get("requestBody")),
        "answers": {
            status: _content(document, answer)
            for status, answer in mapping(operation["responses"]).items()
        },
    }


def shapes(document: Schema) -> dict[str, Schema]:
    """The shape of each operation, by `POST /users`."""
    return {name: shape(document, it) for name, it in operations(document).items()}


def codes(operation: Schema) -> set[tuple[str, str]]:
    """Status and code of each error that an operation may fail with."""
    return {
        (status, code)
        for status, answer in mapping(operation["responses"]).items()
        for content in mapping(mapping(answer).get("content")).values()
        for code in mapping(mapping(content).get("examples"))
    }


def resolved(document: Schema, value: Json, seen: tuple[str, ...] = ()) -> Json:
    """`value` without references and without what only people read."""
    if isinstance(value, list):
        return [resolved(document, item, seen) for item in value]
    if not isinstance(value, Mapping):
        return value
    reference = value.get("$ref")
    if isinstance(reference, str):
        name = reference.rpartition("/")[2].removesuffix("-Input").removesuffix("-Output")
        if reference in seen:
            return {MODEL: name, "$ref": name}
        target = resolved(document, _target(document, reference), (*seen, reference))
        return {MODEL: name, **mapping(target)}
    return {
        key: {name: resolved(document, it, seen) for name, it in mapping(item).items()}
        if key == "properties"
        else resolved(document, item, seen)
        for key, item in value.items()
        if key not in _FOR_PEOPLE
    }


def differences(expected: Json, found: Json, at: str = "") -> Iterator[str]:
    """Where two shapes of operations differ in more than names and errors, each as a sentence."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for key in dict.fromkeys([*expected, *found]):
            below = f"{at}/{key}"
            if key == MODEL or (at == "/answers" and key[0] in "1345"):
                continue
            if key not in found:
                yield f"{below} is missing"
            elif key not in expected:
                yield f"{below} is in no contract"
            else:
                yield from differences(expected[key], found[key], below)
    elif _unnamed(expected) != _unnamed(found):
        yield f"{at} should be {_brief(expected)}, and is {_brief(found)}"


def mapping(value: Json) -> Schema:
    """`value`, which is an object, or {} for None; TypeError for anything else."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"an object is meant, not {value!r}")
    return value


def listed(value: Json) -> list[Json]:
    """`value` where it is an array, else []."""
    return value if isinstance(value, list) else []


def _target(document: Schema, reference: str) -> Json:
    found: Json = document
    for name in reference.removeprefix("#/").split("/"):
        found = mapping(found)[name]
    return found


def _parameters(document: Schema, operation: Schema) -> Iterator[tuple[str, Json]]:
    for parameter in map(mapping, listed(operation.get("parameters"))):
        schema = dict(mapping(resolved(document, parameter["schema"])))
        choices = listed(schema.pop("anyOf", None))
        # An optional parameter is `X | None` in Python, and just absent in a URL.
        kept = [choice for choice in choices if choice != {"type": "null"}]
        if kept:
            schema |= mapping(kept[0]) if len(kept) == 1 else {"anyOf": kept}
        name = f"{parameter['in']} {parameter['name']}"
        yield name, {"required": parameter.get("required", False), "schema": schema}


def _content(document: Schema, holder: Json) -> Schema:
    return {
        media_type: resolved(document, mapping(content).get("schema", {}))
        if media_type.endswith("json")
        else {}
        for media_type, content in mapping(mapping(holder).get("content")).items()
    }


def _unnamed(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {key: _unnamed(it) for key, it in value.items() if key != MODEL}
    return [_unnamed(it) for it in value] if isinstance(value, list) else value


def _brief(value: Json) -> str:
    text = repr(_unnamed(value))
    return text if len(text) < 80 else f"{text[:77]}…"
