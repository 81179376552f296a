"""What changed in calls, events and numbers between two moments, and who meets it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from devtools.contracts.openapi_comparison import METHODS, Json, Schema
from devtools.contracts.revisions import Documents
from devtools.contracts.schema_changes import Change, Comparison, Way
from shared.testing.contracts.files import ContractFile

PEOPLE = "browsers"


@dataclass(frozen=True)
class Use:
    """A change where it is met: in which contract, by whom, doing what."""

    contract: str
    consumers: tuple[str, ...]
    where: str
    change: Change


def uses(old: Documents, new: Documents, files: Mapping[str, ContractFile]) -> Iterator[Use]:
    """Every change where it is met; `files` are the contracts of the new moment."""
    yield from _calls(old, new)
    yield from _channels(old, new)
    yield from _numbers(old, new, files)


def _calls(old: Documents, new: Documents) -> Iterator[Use]:
    for service, document in old.openapi.items():
        after = _operations(new.openapi.get(service, {"paths": {}}))
        before = _operations(document)
        for name, operation in before.items():
            consumers = _callers(operation)
            contract = str(operation.get("x-contract", ""))
            if not contract:
                continue
            where = f"{name} of {service}"
            if name not in after:
                gone = Change(where, "", "is gone", breaks=True)
                yield Use(contract, consumers, where, gone)
                continue
            documents = (document, new.openapi[service])
            for change in _operation_changes(where, documents, operation, after[name]):
                yield Use(contract, consumers, where, change)
            for caller in sorted({*consumers} - {*_callers(after[name])}):
                refused = Change(where, "", f"may no longer be called by {caller}", breaks=True)
                yield Use(contract, (caller,), where, refused)
        for name in after.keys() - before.keys():
            contract = str(after[name].get("x-contract", ""))
            where = f"{name} of {service}"
            if contract in old.contracts:
                yield Use(contract, (), where, Change(where, "", "is new", breaks=False))


def _operation_changes(
    where: str, documents: tuple[Schema, Schema], old: Schema, new: Schema
) -> Iterator[Change]:
    sent = Comparison(*documents, Way.SENT, model=where)
    received = Comparison(*documents, Way.RECEIVED, model=where)
    if old.get("security", []) != new.get("security", []):
        asked = new.get("security", [])
        what = f"asks for {asked or 'nothing'}, asked for {old.get('security') or 'nothing'}"
        yield Change(where, "", what, breaks=bool(asked))
    yield from _parameter_changes(sent, old, new)
    yield from _body_changes(sent, old, new)
    yield from _answer_changes(received, old, new)


def _parameter_changes(sent: Comparison, old: Schema, new: Schema) -> Iterator[Change]:
    before, after = _parameters(old), _parameters(new)
    for name in dict.fromkeys([*before, *after]):
        if name not in after:
            yield Change(sent.model, name, "is gone", breaks=True)
        elif name not in before:
            required = bool(after[name].get("required"))
            what = "is new and required" if required else "is new"
            yield Change(sent.model, name, what, breaks=required)
        else:
            inside = replace(sent, field=name)
            yield from inside.changes(before[name]["schema"], after[name]["schema"])
            if after[name].get("required") and not before[name].get("required"):
                yield Change(sent.model, name, "is required now", breaks=True)


def _body_changes(sent: Comparison, old: Schema, new: Schema) -> Iterator[Change]:
    before, after = _content(old.get("requestBody")), _content(new.get("requestBody"))
    for media_type in dict.fromkeys([*before, *after]):
        if media_type not in after:
            yield Change(sent.model, "", f"takes no {media_type} any more", breaks=True)
        elif media_type not in before:
            yield Change(sent.model, "", f"takes {media_type} now", breaks=not before)
        else:
            yield from sent.changes(before[media_type], after[media_type])


def _answer_changes(received: Comparison, old: Schema, new: Schema) -> Iterator[Change]:
    before, after = _answers(old), _answers(new)
    for status, answer in before.items():
        if status not in after:
            if status.startswith("2"):
                now = " or ".join(it for it in after if it.startswith("2"))
                yield Change(received.model, "", f"answers {now}, not {status}", breaks=True)
            continue
        there, here = _content(answer), _content(after[status])
        for media_type, schema in there.items():
            if media_type not in here:
                what = f"no longer answers {status} as {media_type}"
                yield Change(received.model, "", what, breaks=True)
            elif status.startswith("2") or status == "default":
                yield from received.changes(schema, here[media_type])
        for code in sorted(_codes(after[status]) - _codes(answer)):
            yield Change(received.model, "", f"may fail with {status} {code} now", breaks=False)
    for status in after.keys() - before.keys():
        for code in sorted(_codes(after[status])):
            yield Change(received.model, "", f"may fail with {status} {code} now", breaks=False)


def _channels(old: Documents, new: Documents) -> Iterator[Use]:
    before, after = _object(old.asyncapi["channels"]), _object(new.asyncapi["channels"])
    for name, channel in before.items():
        contract = str(_object(channel).get("x-contract"))
        consumers = _receivers(old.asyncapi, name)
        if name not in after:
            gone = Change(name, "", "is gone", breaks=True)
            yield Use(contract, consumers, name, gone)
            continue
        there = _object(_object(channel)["messages"])
        here = _object(_object(after[name])["messages"])
        for message in there:
            if message not in here:
                gone = Change(name, "", f"no longer carries {message}", breaks=True)
                yield Use(contract, consumers, name, gone)
                continue
            comparison = Comparison(old.asyncapi, new.asyncapi, Way.EVENT, model=message)
            for change in comparison.changes(
                _message(old.asyncapi, message), _message(new.asyncapi, message)
            ):
                yield Use(contract, consumers, name, change)
        for message in here.keys() - there.keys():
            yield Use(contract, (), name, Change(name, "", f"carries {message} now", breaks=False))
    for name in after.keys() - before.keys():
        contract = str(_object(after[name]).get("x-contract"))
        if contract in old.contracts:
            yield Use(contract, (), name, Change(name, "", "is new", breaks=False))


def _numbers(old: Documents, new: Documents, files: Mapping[str, ContractFile]) -> Iterator[Use]:
    for contract, numbers in old.numbers.items():
        if contract in files:
            everybody = tuple(files[contract].contract.participants)
            for field, what, breaks in _values(numbers, new.numbers.get(contract, {})):
                change = Change(f"numbers of {contract}", field, what, breaks)
                yield Use(contract, everybody, "numbers", change)


def _values(
    before: Mapping[str, object], after: Mapping[str, object]
) -> Iterator[tuple[str, str, bool]]:
    for name, value in before.items():
        if name not in after:
            yield name, "is gone", True
        elif after[name] != value:
            yield name, f"is {after[name]!r}, was {value!r}", True
    for name in after.keys() - before.keys():
        yield name, "is new", False


def _operations(document: Schema) -> dict[str, Schema]:
    return {
        f"{method.upper()} {path}": _object(operation)
        for path, methods in _object(document["paths"]).items()
        for method, operation in _object(methods).items()
        if method in METHODS
    }


def _callers(operation: Schema) -> tuple[str, ...]:
    callers = operation.get("x-callers", [])
    named = tuple(str(it) for it in callers) if isinstance(callers, list) else ()
    security = operation.get("security", [])
    internal = isinstance(security, list) and any("service" in _object(it) for it in security)
    return named if internal else (*named, PEOPLE)


def _parameters(operation: Schema) -> dict[str, Schema]:
    listed = operation.get("parameters", [])
    found = [_object(it) for it in listed] if isinstance(listed, list) else []
    return {f"{it['in']} {it['name']}": it for it in found}


def _content(holder: Json) -> dict[str, Json]:
    content = _object(_object(holder).get("content", {}))
    return {kind: _object(it).get("schema", {}) for kind, it in content.items()}


def _answers(operation: Schema) -> Schema:
    return _object(operation["responses"])


def _codes(answer: Json) -> set[str]:
    return {
        code
        for content in _object(_object(answer).get("content", {})).values()
        for code in _object(_object(content).get("examples", {}))
    }


def _receivers(asyncapi: Schema, channel: str) -> tuple[str, ...]:
    found = [
        str(_object(it)["x-service"])
        for it in _object(asyncapi["operations"]).values()
        if _object(it)["action"] == "receive"
        and _object(it)["channel"] == {"$ref": f"#/channels/{channel}"}
    ]
    return tuple(found) or (PEOPLE,)


def _message(asyncapi: Schema, name: str) -> Json:
    messages = _object(_object(asyncapi["components"])["messages"])
    return _object(messages[name])["payload"]


def _object(value: Json) -> Schema:
    return value if isinstance(value, Mapping) else {}
