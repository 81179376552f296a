"""What a table's constraints say is what the models of `shared` say: values, lengths, NULL."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from pydantic import BaseModel, JsonValue

from database import Database
from shared.models.auth import StoredMailToken
from shared.models.event import EventEnvelope
from shared.models.profile import StoredProfile
from shared.models.registration import NewRegistration
from shared.models.task import StoredTask
from shared.models.tool import WriteTool
from shared.models.user import Credential, User

STORED_AS: dict[str, type[BaseModel]] = {
    "users": User,
    "credentials": Credential,
    "mail_tokens": StoredMailToken,
    "registrations": NewRegistration,
    "profiles": StoredProfile,
    "events": EventEnvelope,
    "tasks": StoredTask,
    "tools": WriteTool,
}
ONLY_IN_SQL = {
    ("users", "email", "minLength"),  # the model's pattern needs as much
    ("registrations", "email", "minLength"),
    ("credentials", "password_hash", "minLength"),  # an argon2 hash is never empty
}
CONSTRAINTS = """
SELECT relname, pg_get_constraintdef(pg_constraint.oid)
FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
WHERE contype = 'c' AND relname = ANY($1)
"""
COLUMNS = """
SELECT table_name, column_name, is_nullable = 'YES'
FROM information_schema.columns
WHERE table_schema = 'public' AND table_name = ANY($1)
"""
LENGTH = re.compile(r"length\((\w+)\) (>=|<=) (\d+)")
RANGE = re.compile(r"\((\w+) (>=|<=) (\d+)\)")
VALUES = re.compile(r"\((\w+) = ANY \(ARRAY\[(.*?)\]\)\)|^CHECK \(\((\w+) = ('\w+')::text\)\)$")
PATTERN = re.compile(r"\((\w+) ~ '(.*)'::text\)")


class Rule(NamedTuple):
    """What a table or a model says of a column, in the words of JSON Schema."""

    table: str
    column: str
    keyword: str
    value: JsonValue


def stated_in_sql(table: str, constraint: str) -> Iterator[Rule]:
    """The rules of one constraint, from the text that PostgreSQL gives of it."""
    for column, sign, number in LENGTH.findall(constraint):
        yield Rule(table, column, "minLength" if sign == ">=" else "maxLength", int(number))
    for column, sign, number in RANGE.findall(constraint):
        yield Rule(table, column, "minimum" if sign == ">=" else "maximum", int(number))
    for column, several, same_column, one in VALUES.findall(constraint):
        values = re.findall(r"'(\w+)'", several or one)
        yield Rule(table, column or same_column, "enum", sorted(values))
    for column, pattern in PATTERN.findall(constraint):
        yield Rule(table, column, "pattern", pattern)


def stated_by_model(table: str, column: str) -> dict[str, JsonValue]:
    """The keywords of a field; `null` tells whether it may be absent."""
    field = STORED_AS[table].model_json_schema()["properties"].get(column, {})
    kinds = field.get("anyOf", [field])
    found = {key: value for kind in kinds for key, value in kind.items()}
    if "const" in found:
        found["enum"] = [found["const"]]
    if "enum" in found:
        found["enum"] = sorted(found["enum"])
    return {**found, "null": any(kind.get("type") == "null" for kind in kinds)}


@pytest.fixture
async def rules(database: Database) -> list[Rule]:
    rows = await database.rows(CONSTRAINTS, list(STORED_AS))
    found = [rule for table, text in rows for rule in stated_in_sql(table, text)]
    return [rule for rule in found if rule.column in STORED_AS[rule.table].model_fields]


async def test_values_lengths_and_ranges_are_those_of_the_models(rules: list[Rule]) -> None:
    of_models = [
        rule._replace(value=stated_by_model(rule.table, rule.column).get(rule.keyword))
        for rule in rules
    ]

    different = [
        (sql, model.value)
        for sql, model in zip(rules, of_models, strict=True)
        if sql.value != model.value and sql[:3] not in ONLY_IN_SQL
    ]
    assert different == []


async def test_each_kind_of_constraint_is_compared(rules: list[Rule]) -> None:
    expected = [
        Rule("users", "role", "enum", ["admin", "user"]),
        Rule("users", "email", "maxLength", 254),
        Rule("mail_tokens", "purpose", "enum", ["reset_password", "verify_email"]),
        Rule("mail_tokens", "token_hash", "pattern", "^[0-9a-f]{64}$"),
        Rule("profiles", "company", "maxLength", 100),
        Rule("profiles", "completion", "maximum", 100),
        Rule("events", "version", "minimum", 1),
    ]
    assert [rule for rule in expected if rule not in rules] == []


async def test_what_may_be_null_is_optional_in_the_model(database: Database) -> None:
    rows = await database.rows(COLUMNS, list(STORED_AS))
    compared = {
        (table, column): (nullable, stated_by_model(table, column)["null"])
        for table, column, nullable in rows
        if column in STORED_AS[table].model_fields
    }

    assert len(compared) > 25
    assert [it for it, (in_sql, in_model) in compared.items() if in_sql != in_model] == []
