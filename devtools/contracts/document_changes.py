"""What changed in calls, events, numbers and schemas between two moments, and who meets it.

A change that narrows breaks everywhere, for versions N and N-1 talk to each other in both
directions. A wider type or enum breaks whoever receives it; in a request it is an addition.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from devtools.contracts.document_shapes import (
    MODEL,
    Json,
    Schema,
    codes,
    listed,
    mapping,
    operations,
    resolved,
    shape,
)
from devtools.contracts.revisions import Documents
from shared.testing.contracts.files import ContractFile

LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
OTHER = ("pattern", "format", "multipleOf", "contentEncoding")
TYPES = {str: "string", bool: "boolean", int: "integer", float: "number"}


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
class Place:
    """Where the walk through two resolved schemas has come to, and which way their body goes."""

    way: Way
    model: str
    field: str = ""

    def changes(self, old: Json, new: Json) -> Iterator[Change]:
        """Every change from the schema `old` to the schema `new`."""
        before, after = mapping(old), mapping(new)
        here = self.inside(before)
        if "allOf" in before and "allOf" in after:
            for one, other in zip(listed(before["allOf"]), listed(after["allOf"]), strict=False):
                yield from here.changes(one, other)
        else:
            yield from _types(here, _variants(before), _variants(after))

    def inside(self, schema: Schema) -> "Place":
        """In the model that `schema` is, where it is one."""
        return replace(self, model=str(schema[MODEL]), field="") if MODEL in schema else self

    def at(self, name: str) -> "Place":
        return replace(self, field=f"{self.field}.{name}" if self.field else name)

    def change(self, what: str, *, breaks: bool) -> Change:
        return Change(self.model, self.field, what, breaks)

    def widened(self, what: str) -> Change:
        """Another type or value than before: a surprise for whoever receives it."""
        return self.change(what, breaks=self.way is not Way.SENT)


def _types(here: Place, before: dict[str, Schema], after: dict[str, Schema]) -> Iterator[Change]:
    said = f"is {' or '.join(sorted(after))}, was {' or '.join(sorted(before))}"
    come = after.keys() - before.keys()
    if "any" in come:
        yield here.widened(said)
    elif before.keys() - after.keys():
        yield here.change(said, breaks=True)
    elif come:
        yield here.widened(f"may be {' or '.join(sorted(come))} now")
    for kind in sorted(before.keys() & after.keys()):
        inside = here.inside(before[kind])
        for rule in (_values, _constraints, _properties, _items, _additional):
            yield from rule(inside, before[kind], after[kind])


def _values(here: Place, old: Schema, new: Schema) -> Iterator[Change]:
    before, after = _enum(old), _enum(new)
    if not before and after:
        yield here.change(f"takes {', '.join(sorted(after))} alone", breaks=True)
    elif before and not after:
        yield here.widened("takes any value now")
    else:
        if gone := before - after:
            yield here.change(f"no longer takes {', '.join(sorted(gone))}", breaks=True)
        if come := after - before:
            yield here.widened(f"may be {', '.join(sorted(come))} now")


def _constraints(here: Place, old: Schema, new: Schema) -> Iterator[Change]:
    for word in (*LOWER, *UPPER, *OTHER):
        before, after = old.get(word), new.get(word)
        was = "there was none" if before is None else f"it was {before}"
        if after is None and before is not None:
            yield here.change(f"has no {word} any more, {was}", breaks=False)
        elif before != after:
            yield here.change(f"has {word} {after}, {was}", breaks=_narrower(word, before, after))


def _properties(here: Place, old: Schema, new: Schema) -> Iterator[Change]:
    before, after = mapping(old.get("properties")), mapping(new.get("properties"))
    needed_before, needed = listed(old.get("required")), listed(new.get("required"))
    added = [name for name in after if name not in before]
    for name, schema in before.items():
        inside = here.at(name)
        if name not in after:
            twin = next((it for it in added if after[it] == schema), None)
            yield inside.change(f"is gone{f', renamed to {twin}?' if twin else ''}", breaks=True)
            continue
        yield from inside.changes(schema, after[name])
        if name in needed and name not in needed_before:
            yield inside.change("is required now", breaks=here.way is not Way.RECEIVED)
        elif name in needed_before and name not in needed:
            yield inside.change("may be absent now", breaks=here.way is not Way.SENT)
    for name in added:
        required = name in needed and here.way is not Way.RECEIVED
        yield here.at(name).change("is new and required" if required else "is new", breaks=required)


def _items(here: Place, old: Schema, new: Schema) -> Iterator[Change]:
    if "items" in old and "items" in new:
        yield from replace(here, field=f"{here.field}[]").changes(old["items"], new["items"])


def _additional(here: Place, old: Schema, new: Schema) -> Iterator[Change]:
    before, after = (it.get("additionalProperties", True) for it in (old, new))
    if isinstance(before, dict) and isinstance(after, dict):
        yield from replace(here, field=f"{here.field}.*").changes(before, after)
    elif before != after and after is False:
        yield here.change("refuses unknown fields now", breaks=here.way is not Way.RECEIVED)
    elif before != after:
        yield here.change("takes other fields now", breaks=False)


def _variants(schema: Schema) -> dict[str, Schema]:
    """What a value may be, by type; a second one of a type by its model, too."""
    found: dict[str, Schema] = {}
    for choice in map(mapping, listed(schema.get("anyOf")) or [schema]):
        kind = _type(choice)
        found[f"{kind} {choice.get(MODEL, '')}" if kind in found else kind] = choice
    return found


def _type(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, str):
        return kind
    values = listed(schema.get("enum")) or ([schema["const"]] if "const" in schema else [])
    return TYPES.get(type(values[0]), "null") if values else "any"


def _enum(schema: Schema) -> set[str]:
    values = [schema["const"]] if "const" in schema else listed(schema.get("enum"))
    return {json.dumps(it) for it in values}


def _narrower(word: str, before: Json, after: Json) -> bool:
    if word in LOWER and isinstance(before, int | float) and isinstance(after, int | float):
        return after > before
    if word in UPPER and isinstance(before, int | float) and isinstance(after, int | float):
        return after < before
    return True


PEOPLE = "browsers"


@dataclass(frozen=True)
class Use:
    """A change where it is met: in which contract, by whom, doing what."""

    contract: str
    consumers: tuple[str, ...]
    where: str
    change: Change


@dataclass(frozen=True)
class Offer:
    """An operation or a channel: what its document says, and who uses it."""

    contract: str
    consumers: tuple[str, ...]
    document: Schema
    said: Schema

    @property
    def is_operation(self) -> bool:
        return "responses" in self.said


def uses(old: Documents, new: Documents, files: Mapping[str, ContractFile]) -> Iterator[Use]:
    """Every change where it is met; `files` are the contracts of the new moment."""
    before, after = dict(_offers(old)), dict(_offers(new))
    for where, offer in before.items():
        if where not in after:
            gone = Change(where, "", "is gone", breaks=True)
            yield Use(offer.contract, offer.consumers, where, gone)
            continue
        changes = _operation_changes if offer.is_operation else _channel_changes
        for change in changes(where, offer, after[where]):
            yield Use(offer.contract, offer.consumers, where, change)
        if offer.is_operation:
            for caller in sorted({*offer.consumers} - {*after[where].consumers}):
                refused = Change(where, "", f"may no longer be called by {caller}", breaks=True)
                yield Use(offer.contract, (caller,), where, refused)
    for where in after.keys() - before.keys():
        if after[where].contract in old.contracts:
            yield Use(after[where].contract, (), where, Change(where, "", "is new", breaks=False))
    yield from _numbers(old, new, files)


def _offers(documents: Documents) -> Iterator[tuple[str, Offer]]:
    for service, document in documents.openapi.items():
        for name, operation in operations(document).items():
            if contract := operation.get("x-contract"):
                offer = Offer(str(contract), _callers(operation), document, operation)
                yield f"{name} of {service}", offer
    for name, channel in mapping(documents.asyncapi["channels"]).items():
        said = mapping(channel)
        consumers = _receivers(documents.asyncapi, name)
        yield name, Offer(str(said.get("x-contract")), consumers, documents.asyncapi, said)


def _callers(operation: Schema) -> tuple[str, ...]:
    named = tuple(map(str, listed(operation.get("x-callers"))))
    internal = any("service" in mapping(it) for it in listed(operation.get("security")))
    return named if internal else (*named, PEOPLE)


def _receivers(asyncapi: Schema, channel: str) -> tuple[str, ...]:
    found = [
        str(it["x-service"])
        for it in map(mapping, mapping(asyncapi["operations"]).values())
        if it["action"] == "receive" and it["channel"] == {"$ref": f"#/channels/{channel}"}
    ]
    return tuple(found) or (PEOPLE,)


def _operation_changes(where: str, old: Offer, new: Offer) -> Iterator[Change]:
    before, after = shape(old.document, old.said), shape(new.document, new.said)
    if before["auth"] != after["auth"]:
        what = f"asks for {after['auth'] or 'nothing'}, asked for {before['auth'] or 'nothing'}"
        yield Change(where, "", what, breaks=bool(after["auth"]))
    yield from _parameter_changes(where, *(mapping(it["parameters"]) for it in (before, after)))
    yield from _body_changes(where, *(mapping(it["body"]) for it in (before, after)))
    yield from _answer_changes(where, *(mapping(it["answers"]) for it in (before, after)))
    for status, code in sorted(codes(new.said) - codes(old.said)):
        yield Change(where, "", f"may fail with {status} {code} now", breaks=False)


def _parameter_changes(where: str, before: Schema, after: Schema) -> Iterator[Change]:
    # Parameters are to a call what fields are to an object.
    objects: list[Schema] = [
        {
            "type": "object",
            "properties": {name: mapping(it)["schema"] for name, it in parameters.items()},
            "required": [name for name, it in parameters.items() if mapping(it)["required"]],
        }
        for parameters in (before, after)
    ]
    yield from Place(Way.SENT, where).changes(*objects)


def _body_changes(where: str, before: Schema, after: Schema) -> Iterator[Change]:
    for media_type in dict.fromkeys([*before, *after]):
        if media_type not in after:
            yield Change(where, "", f"takes no {media_type} any more", breaks=True)
        elif media_type not in before:
            yield Change(where, "", f"takes {media_type} now", breaks=not before)
        else:
            yield from Place(Way.SENT, where).changes(before[media_type], after[media_type])


def _answer_changes(where: str, before: Schema, after: Schema) -> Iterator[Change]:
    for status, answer in before.items():
        if status not in after:
            if status.startswith("2"):
                now = " or ".join(it for it in after if it.startswith("2"))
                yield Change(where, "", f"answers {now}, not {status}", breaks=True)
            continue
        content = mapping(after[status])
        for media_type, schema in mapping(answer).items():
            if media_type not in content:
                what = f"no longer answers {status} as {media_type}"
                yield Change(where, "", what, breaks=True)
            elif status.startswith("2") or status == "default":
                yield from Place(Way.RECEIVED, where).changes(schema, content[media_type])


def _channel_changes(name: str, old: Offer, new: Offer) -> Iterator[Change]:
    before, after = mapping(old.said["messages"]), mapping(new.said["messages"])
    for message in dict.fromkeys([*before, *after]):
        if message not in after:
            yield Change(name, "", f"no longer carries {message}", breaks=True)
        elif message not in before:
            yield Change(name, "", f"carries {message} now", breaks=False)
        else:
            payloads = (
                mapping(resolved(it.document, mapping(it.said["messages"])[message]))["payload"]
                for it in (old, new)
            )
            yield from Place(Way.EVENT, message).changes(*payloads)


def _numbers(old: Documents, new: Documents, files: Mapping[str, ContractFile]) -> Iterator[Use]:
    for contract in old.numbers.keys() & files.keys():
        before, after = old.numbers[contract], new.numbers.get(contract, {})
        everybody = tuple(files[contract].contract.participants)
        for name in dict.fromkeys([*before, *after]):
            now = "is new"
            if name in before:
                now = f"is {after[name]!r}, was {before[name]!r}" if name in after else "is gone"
            if before.get(name) != after.get(name):
                change = Change(f"numbers of {contract}", name, now, breaks=name in before)
                yield Use(contract, everybody, "numbers", change)
