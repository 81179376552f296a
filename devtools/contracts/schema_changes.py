"""What changed between two JSON Schemas, and whether it breaks whoever reads or sends by the old.

A change that narrows breaks everywhere, for versions N and N-1 talk to each other in both
directions. A wider type or enum breaks whoever receives it; in a request it is an addition.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from devtools.contracts.openapi_comparison import Json, Schema, target

LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
OTHER = ("pattern", "format", "multipleOf", "contentEncoding")


class Way(StrEnum):
    """Which way the body goes; an event is also read long after it was sent."""

    SENT = "sent"
    RECEIVED = "received"
    EVENT = "event"


@dataclass(frozen=True)
class Change:
    """One difference: the model and the field where it stands, and whether it breaks."""

    model: str
    field: str
    what: str
    breaks: bool

    @property
    def place(self) -> str:
        return ".".join(filter(None, [self.model, self.field]))


@dataclass(frozen=True)
class Comparison:
    """Two documents, the way, and the place the walk has come to."""

    old_document: Schema
    new_document: Schema
    way: Way
    model: str = ""
    field: str = ""
    seen: tuple[tuple[str, str], ...] = ()

    def changes(self, old: Json, new: Json) -> Iterator[Change]:
        """Every change from the schema `old` to the schema `new`."""
        inside = self.inside(old, new)
        if inside:
            before = _followed(self.old_document, old)[1]
            after = _followed(self.new_document, new)[1]
            yield from _schemas(inside, before, after)

    def inside(self, old: Json, new: Json) -> "Comparison | None":
        """Where a reference leads: into its model, or nowhere when the walk was there already."""
        name, _ = _followed(self.old_document, old)
        if not name:
            return self
        step = (name, _followed(self.new_document, new)[0])
        if step in self.seen:
            return None
        return replace(self, model=name, field="", seen=(*self.seen, step))

    def at(self, name: str) -> "Comparison":
        return replace(self, field=f"{self.field}.{name}" if self.field else name)

    def change(self, what: str, *, breaks: bool) -> Change:
        return Change(self.model, self.field, what, breaks)

    def widened(self, what: str) -> Change:
        """Another type or value than before: a surprise for whoever receives it."""
        return self.change(what, breaks=self.way is not Way.SENT)


def _same_reference(here: Comparison, old: Json, new: Json) -> Iterator[Change]:
    inside = here.inside(old, new)
    if inside:
        before = _followed(here.old_document, old)[1]
        after = _followed(here.new_document, new)[1]
        yield from _same_kind(inside, before, after)


def _schemas(here: Comparison, old: Schema, new: Schema) -> Iterator[Change]:
    if "allOf" in old and "allOf" in new:
        for before, after in zip(_list(old["allOf"]), _list(new["allOf"]), strict=False):
            yield from here.changes(before, after)
        return
    before = _variants(here.old_document, old)
    after = _variants(here.new_document, new)
    said = f"is {_names(after)}, was {_names(before)}"
    if ("any" in before) != ("any" in after):
        yield here.widened(said) if "any" in after else here.change(said, breaks=True)
        return
    if before.keys() - after.keys():
        yield here.change(said, breaks=True)
    elif come := after.keys() - before.keys():
        yield here.widened(f"may be {' or '.join(sorted(come))} now")
    for kind in sorted(before.keys() & after.keys()):
        yield from _same_reference(here, before[kind], after[kind])


def _same_kind(here: Comparison, old: Schema, new: Schema) -> Iterator[Change]:
    yield from _values_changed(here, _values(old), _values(new))
    yield from _constraints(here, old, new)
    yield from _properties(here, old, new)
    if "items" in old and "items" in new:
        inside = replace(here, field=f"{here.field}[]")
        yield from inside.changes(old["items"], new["items"])
    yield from _additional(here, old, new)


def _values_changed(
    here: Comparison, before: set[str] | None, after: set[str] | None
) -> Iterator[Change]:
    if before is None and after is not None:
        yield here.change(f"takes {', '.join(sorted(after))} alone", breaks=True)
    elif before is not None and after is None:
        yield here.widened("takes any value now")
    elif before is not None and after is not None:
        if gone := before - after:
            yield here.change(f"no longer takes {', '.join(sorted(gone))}", breaks=True)
        if come := after - before:
            yield here.widened(f"may be {', '.join(sorted(come))} now")


def _constraints(here: Comparison, old: Schema, new: Schema) -> Iterator[Change]:
    for word in (*LOWER, *UPPER, *OTHER):
        before, after = old.get(word), new.get(word)
        if before == after:
            continue
        if after is None:
            yield here.change(f"has no {word} any more, it was {before}", breaks=False)
        elif before is None or word in OTHER or _narrower(word, before, after):
            was = "there was none" if before is None else f"it was {before}"
            yield here.change(f"has {word} {after}, {was}", breaks=True)
        else:
            yield here.change(f"has {word} {after}, it was {before}", breaks=False)


def _properties(here: Comparison, old: Schema, new: Schema) -> Iterator[Change]:
    before, after = _object(old.get("properties", {})), _object(new.get("properties", {}))
    needed_before, needed = _list(old.get("required", [])), _list(new.get("required", []))
    added = [name for name in after if name not in before]
    for name, shape in before.items():
        inside = here.at(name)
        if name not in after:
            twin = next((it for it in added if _alike(after[it], shape)), None)
            yield inside.change(f"is gone{f', renamed to {twin}?' if twin else ''}", breaks=True)
            continue
        yield from inside.changes(shape, after[name])
        if name in needed and name not in needed_before:
            breaks = here.way is not Way.RECEIVED
            yield inside.change("is required now", breaks=breaks)
        elif name in needed_before and name not in needed:
            breaks = here.way is not Way.SENT
            yield inside.change("may be absent now", breaks=breaks)
    for name in added:
        required = name in needed and here.way is not Way.RECEIVED
        yield here.at(name).change("is new and required" if required else "is new", breaks=required)


def _additional(here: Comparison, old: Schema, new: Schema) -> Iterator[Change]:
    before = old.get("additionalProperties", True)
    after = new.get("additionalProperties", True)
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from replace(here, field=f"{here.field}.*").changes(before, after)
    elif before != after:
        breaks = after is False and here.way is not Way.RECEIVED
        what = "refuses unknown fields now" if after is False else "takes other fields now"
        yield here.change(what, breaks=breaks)


def _followed(document: Schema, schema: Json) -> tuple[str, Schema]:
    shape = _object(schema)
    reference = shape.get("$ref")
    if not isinstance(reference, str):
        return "", shape
    name = reference.rpartition("/")[2].removesuffix("-Input").removesuffix("-Output")
    return name, _object(target(document, reference))


def _variants(document: Schema, schema: Schema) -> dict[str, Json]:
    listed = schema.get("anyOf")
    choices = _list(listed) if listed is not None else [schema]
    found: dict[str, Json] = {}
    for choice in choices:
        name, followed = _followed(document, choice)
        kind = _kind(followed)
        found[f"{kind} {name}" if kind in found else kind] = choice
    return found


def _kind(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, str):
        return kind
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if isinstance(values, list) and values:
        names = {str: "string", bool: "boolean", int: "integer", float: "number"}
        return names.get(type(values[0]), "null")
    return "any"


def _values(schema: Schema) -> set[str] | None:
    if "const" in schema:
        return {json.dumps(schema["const"])}
    return {json.dumps(it) for it in _list(schema["enum"])} if "enum" in schema else None


def _narrower(word: str, before: Json, after: Json) -> bool:
    if isinstance(before, int | float) and isinstance(after, int | float):
        return after > before if word in LOWER else after < before
    return True


def _alike(one: Json, other: Json) -> bool:
    return _bare(one) == _bare(other)


def _bare(schema: Json) -> Json:
    return {key: it for key, it in _object(schema).items() if key not in {"title", "description"}}


def _names(variants: Mapping[str, Json]) -> str:
    return " or ".join(sorted(variants))


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _object(value: Json) -> Schema:
    return value if isinstance(value, Mapping) else {}
