"""Which change of a model breaks whom."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, create_model

from devtools.contracts.document_changes import Place, Way
from devtools.contracts.document_shapes import resolved


def changed(way: Way, old: type[BaseModel], new: type[BaseModel]) -> list[tuple[str, bool]]:
    """What is said, and whether it breaks."""
    before, after = (resolved(it, it) for it in (old.model_json_schema(), new.model_json_schema()))
    found = Place(way, "M").changes(before, after)
    return [(f"{it.place} {it.what}", it.breaks) for it in found]


def model(**fields: Any) -> type[BaseModel]:  # noqa: ANN401 - as create_model takes them
    given = {name: it if isinstance(it, tuple) else (it, ...) for name, it in fields.items()}
    made: type[BaseModel] = create_model("M", **given)  # type: ignore[call-overload]
    return made


Short = Annotated[str, Field(max_length=10)]
Long = Annotated[str, Field(max_length=20)]


@pytest.mark.parametrize(
    "old,new,said,breaks",
    [
        (model(a=str), model(), "M.a is gone", "sent received event"),
        (model(a=str), model(b=str), "M.a is gone, renamed to b?", "sent received event"),
        (model(), model(a=str), "M.a is new and required", "sent event"),
        (model(), model(a=(str, "")), "M.a is new", ""),
        (model(a=(str, "")), model(a=str), "M.a is required now", "sent event"),
        (model(a=str), model(a=(str, "")), "M.a may be absent now", "received event"),
        (model(a=str), model(a=int), "M.a is integer, was string", "sent received event"),
        (model(a=str), model(a=str | None), "M.a may be null now", "received event"),
        (model(a=str | None), model(a=str), "M.a is string, was null or string", "all"),
        (model(a=Long), model(a=Short), "M.a has maxLength 10, it was 20", "all"),
        (model(a=Short), model(a=Long), "M.a has maxLength 20, it was 10", ""),
        (model(a=str), model(a=Short), "M.a has maxLength 10, there was none", "all"),
        (model(a=Short), model(a=str), "M.a has no maxLength any more, it was 10", ""),
        (
            model(a=Literal["x", "y"]),
            model(a=Literal["x"]),
            'M.a no longer takes "y"',
            "all",
        ),
        (
            model(a=Literal["x"]),
            model(a=Literal["x", "y"]),
            'M.a may be "y" now',
            "received event",
        ),
        (model(a=str), model(a=Literal["x"]), 'M.a takes "x" alone', "all"),
        (model(a=Literal["x"]), model(a=str), "M.a takes any value now", "received event"),
        (model(a=list[str]), model(a=list[int]), "M.a[] is integer, was string", "all"),
        (model(a=dict[str, int]), model(a=dict[str, str]), "M.a.* is string, was integer", "all"),
    ],
)
def test_each_way_breaks_on_its_own(
    old: type[BaseModel], new: type[BaseModel], said: str, breaks: str
) -> None:
    breaking = {"sent", "received", "event"} if breaks == "all" else set(breaks.split())
    for way in Way:
        found = dict(changed(way, old, new))
        text = said.removesuffix(" and required") if way not in breaking else said
        assert found.get(text) is (way in breaking), (way, found)


def test_no_change_says_nothing() -> None:
    assert changed(Way.EVENT, model(a=Short, b=int | None), model(a=Short, b=int | None)) == []


def test_a_field_is_found_in_the_model_that_has_it() -> None:
    class Address(BaseModel):
        street: str

    old = model(home=Address, others=list[Address])
    renamed = create_model("Address", road=(str, ...))
    new = model(home=renamed, others=list[renamed])  # type: ignore[valid-type]
    assert ("Address.street is gone, renamed to road?", True) in changed(Way.RECEIVED, old, new)


def test_models_that_hold_themselves_come_to_an_end() -> None:
    class Tree(BaseModel):
        children: list["Tree"]

    assert changed(Way.EVENT, Tree, Tree) == []


def test_refusing_unknown_fields_breaks_whoever_sends_them() -> None:
    class Open(BaseModel):
        model_config = ConfigDict(title="M")

    class Closed(BaseModel):
        model_config = ConfigDict(title="M", extra="forbid")

    assert changed(Way.SENT, Open, Closed) == [("M refuses unknown fields now", True)]
    assert changed(Way.SENT, Closed, Open) == [("M takes other fields now", False)]
