"""OpenAPI documents, reduced to what two sides must agree on.

One function makes the shape of a document, whether it came from a contract or from a real app:
names of components and functions, descriptions, titles and examples are left out, references are
followed, and every operation has its guard, parameters, body, answer and the one shape of errors.
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

Json: TypeAlias = "Mapping[str, Json] | list[Json] | str | int | float | bool | None"
Schema: TypeAlias = Mapping[str, Json]

IGNORED = {"title", "description", "examples", "example"}
METHODS = ("get", "post", "put", "patch", "delete")


def operations(document: Schema) -> dict[str, Schema]:
    """What an API offers, by `POST /users`."""
    return {
        f"{method.upper()} {path}": _operation(document, _mapping(operation))
        for path, methods in _mapping(document["paths"]).items()
        for method, operation in _mapping(methods).items()
        if method in METHODS
    }


def resolved(document: Schema, value: Json, seen: tuple[str, ...] = ()) -> Json:
    """`value` without references and without what only people read."""
    if isinstance(value, list):
        return [resolved(document, item, seen) for item in value]
    if not isinstance(value, Mapping):
        return value
    reference = value.get("$ref")
    if isinstance(reference, str):
        if reference in seen:
            return {"$ref": reference.rpartition("/")[2]}
        return resolved(document, target(document, reference), (*seen, reference))
    found: dict[str, Json] = {}
    for key, item in value.items():
        if key == "properties":
            found[key] = {n: resolved(document, it, seen) for n, it in _mapping(item).items()}
        elif key not in IGNORED:
            found[key] = resolved(document, item, seen)
    return found


def target(document: Schema, reference: str) -> Json:
    """What `#/components/schemas/User` points to."""
    found: Json = document
    for name in reference.removeprefix("#/").split("/"):
        found = _mapping(found)[name]
    return found


def differences(expected: Json, found: Json, at: str = "") -> Iterator[str]:
    """Where two shapes differ, each as a sentence."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for key in dict.fromkeys([*expected, *found]):
            below = f"{at}/{key}"
            if key not in found:
                yield f"{below} is missing"
            elif key not in expected:
                yield f"{below} is in no contract"
            else:
                yield from differences(expected[key], found[key], below)
    elif expected != found:
        yield f"{at} should be {_brief(expected)}, and is {_brief(found)}"


def _operation(document: Schema, operation: Schema) -> Schema:
    body = _mapping(operation.get("requestBody", {}))
    responses = _mapping(operation["responses"])
    return {
        "auth": operation.get("security", []),
        "parameters": _parameters(document, operation),
        "body": _content(document, body),
        "answers": {
            status: _content(document, _mapping(answer))
            for status, answer in responses.items()
            if status.startswith("2") or status == "default"
        },
    }


def _parameters(document: Schema, operation: Schema) -> Schema:
    found: dict[str, Json] = {}
    listed = operation.get("parameters", [])
    for parameter in listed if isinstance(listed, list) else []:
        it = _mapping(parameter)
        schema = dict(_mapping(resolved(document, it["schema"])))
        choices = schema.pop("anyOf", None)
        if isinstance(choices, list):
            # An optional parameter is `X | None` in Python, and just absent in a URL.
            kept = [choice for choice in choices if choice != {"type": "null"}]
            schema |= _mapping(kept[0]) if len(kept) == 1 else {"anyOf": kept}
        name = f"{it['in']} {it['name']}"
        found[name] = {"required": it.get("required", False), "schema": schema}
    return found


def _content(document: Schema, holder: Schema) -> Schema:
    found: dict[str, Json] = {}
    for media_type, content in _mapping(holder.get("content", {})).items():
        is_json = media_type.endswith("json")
        schema = resolved(document, _mapping(content).get("schema", {}))
        found[media_type] = schema if is_json else {}
    return found


def _mapping(value: Json) -> Schema:
    if not isinstance(value, Mapping):
        raise TypeError(f"an object is meant, not {value!r}")
    return value


def _brief(value: Json) -> str:
    text = repr(value)
    return text if len(text) < 80 else f"{text[:77]}…"
