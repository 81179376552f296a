"""The fields of a generated feature: what each type is in Python, in SQL and in a test."""

import keyword
import re
from dataclasses import dataclass

from devtools.scaffold.names import SQL_WORDS, Noun
from devtools.workspace.errors import DevError

TAKEN = frozenset(
    {"id", "user_id", "version", "position", "created_at", "updated_at", "items", "next", "field"}
)
"""Names that the models and the table use already."""
_OF_MODELS = frozenset({"construct", "copy", "dict", "json", "schema", "validate"})
_OF_FEATURES = frozenset({"Create", "Created", "Fields", "Page", "Removed", "Update", "Updated"})
INTEGER_MAX = 2**53 - 1


@dataclass(frozen=True)
class Kind:
    """A type of field. `example`, `other` and `refused` are Python literals for tests."""

    plain: str
    constrained: str
    sql: str
    example: str
    other: str
    refused: tuple[str, ...]
    max_length: int | None = None


KINDS = {
    "line": Kind(
        plain="str",
        constrained="Annotated[Line, StringConstraints(strip_whitespace=True, min_length=1, "
        "max_length={constant})]",
        sql="text",
        example='"Ñandú"',
        other='"Ada\\U0001f913"',
        refused=("None", '""', '"a\\nb"', '"a" * 201'),
        max_length=200,
    ),
    "text": Kind(
        plain="str",
        constrained="Annotated[Text, StringConstraints(min_length=1, max_length={constant})]",
        sql="text",
        example='"One line,\\nand another"',
        other='"Ada\\U0001f913"',
        refused=("None", '""', '"a" * 4001'),
        max_length=4000,
    ),
    "integer": Kind(
        plain="int",
        constrained="Annotated[int, Field(ge=-INTEGER_MAX, le=INTEGER_MAX)]",
        sql="bigint",
        example="7",
        other="-3",
        refused=("None", '"seven"', "2**53"),
    ),
    "boolean": Kind(
        plain="bool",
        constrained="bool",
        sql="boolean",
        example="True",
        other="False",
        refused=("None", '"perhaps"'),
    ),
    "instant": Kind(
        plain="Instant",
        constrained="Instant",
        sql="timestamptz",
        example='"2031-05-04T03:02:01Z"',
        other='"2032-01-01T00:00:00Z"',
        refused=("None", '"tomorrow"', '"2031-05-04T03:02:01"'),
    ),
    "uuid": Kind(
        plain="UUID",
        constrained="UUID",
        sql="uuid",
        example='"6f1c7a52-3f5e-4d0b-9d8e-0a4b6f2c9e11"',
        other='"0d9a7c64-52c1-4f7e-8a33-5b0e1f6d2c77"',
        refused=("None", '"6f1c"'),
    ),
}


@dataclass(frozen=True)
class Field:
    """One field of the feature whose things are called `item`."""

    name: str
    type: str
    item: Noun

    @property
    def kind(self) -> Kind:
        return KINDS[self.type]

    @property
    def plain(self) -> str:
        return self.kind.plain

    @property
    def sql(self) -> str:
        return self.kind.sql

    @property
    def example(self) -> str:
        return self.kind.example

    @property
    def other(self) -> str:
        return self.kind.other

    @property
    def refused(self) -> tuple[str, ...]:
        return self.kind.refused

    @property
    def max_length(self) -> int | None:
        return self.kind.max_length

    @property
    def constrained(self) -> str:
        return self.kind.constrained.format(constant=f"{self.name.upper()}_MAX_LENGTH")

    @property
    def alias(self) -> str:
        """The name of the constrained type: `NoteTitle`; the type itself where it needs none."""
        if self.kind.constrained == self.plain:
            return self.plain
        return self.item.pascal + Noun(self.name.replace("_", "-")).pascal


def parse(words: list[str], item: Noun) -> tuple[Field, ...]:
    """Fields from `name:type`; DevError for a name or type that there can't be."""
    fields = tuple(_field(word, item) for word in words or ["title:line"])
    names = [field.name for field in fields]
    for name in names:
        if names.count(name) > 1:
            raise DevError(f"--field {name} is given twice")
    return fields


def _field(word: str, item: Noun) -> Field:
    name, _, type_ = word.partition(":")
    if type_ not in KINDS:
        raise DevError(f"--field {word!r}: name:type is meant, the type one of {', '.join(KINDS)}")
    if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name) or len(name) > 24:
        raise DevError(f"--field {word!r}: the name is lower-case words with _ between them")
    reserved = name in SQL_WORDS or name in dir(object) or keyword.iskeyword(name)
    own = name in TAKEN or name in {item.snake, f"{item.snake}_id"} or name.startswith("model_")
    if reserved or own or name in _OF_MODELS:
        raise DevError(f"--field {word!r}: the name {name} is taken, choose another")
    if Noun(name.replace("_", "-")).pascal in _OF_FEATURES:
        raise DevError(f"--field {word!r}: the name {name} is taken, choose another")
    return Field(name, type_, item)
