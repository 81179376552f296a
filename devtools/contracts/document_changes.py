"""What changed in calls, events and numbers between two moments, and who meets it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from devtools.contracts.document_shapes import (
    Schema,
    codes,
    listed,
    mapping,
    operations,
    resolved,
    shape,
)
from devtools.contracts.revisions import Documents
from devtools.contracts.schema_changes import Change, Place, Way
from shared.testing.contracts.files import ContractFile

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
