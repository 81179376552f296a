"""Names and fields of a generated feature, and what is refused."""

import pytest

from devtools.scaffold.fields import KINDS, parse
from devtools.scaffold.names import FeatureNames, Noun, service_name
from devtools.workspace.errors import DevError


class TestFeatureNames:
    @pytest.mark.parametrize(
        "name, one, many",
        [
            ("notes", "note", "notes"),
            ("note", "note", "notes"),
            ("saved-searches", "saved-search", "saved-searches"),
            ("reading-list", "reading-list", "reading-lists"),
            ("categories", "category", "categories"),
            ("city", "city", "cities"),
            ("boxes", "box", "boxes"),
            ("address", "address", "addresses"),
            ("key", "key", "keys"),
        ],
    )
    def test_one_and_many(self, name: str, one: str, many: str) -> None:
        names = FeatureNames.of(name)
        assert (names.item.kebab, names.items.kebab) == (one, many)

    def test_what_one_is_called_can_be_said(self) -> None:
        names = FeatureNames.of("library", item="tool")
        assert (names.item.kebab, names.items.kebab) == ("tool", "library")

    @pytest.mark.parametrize(
        "name", ["Notes", "notes_", "-notes", "notes2", "", "a" * 25, "order", "class", "../x"]
    )
    def test_refuses(self, name: str) -> None:
        with pytest.raises(DevError):
            FeatureNames.of(name)

    def test_every_form(self) -> None:
        noun = Noun("open-invoice")
        assert (noun.snake, noun.pascal) == ("open_invoice", "OpenInvoice")
        assert noun.with_article == "an open invoice"


class TestServiceName:
    def test_stands_behind_the_gateway(self) -> None:
        assert service_name("back-reports") == "back-reports"
        with pytest.raises(DevError, match="back-reports"):
            service_name("reports")


class TestFields:
    def test_a_title_when_nothing_is_said(self) -> None:
        [field] = parse([], Noun("note"))
        assert (field.name, field.alias, field.sql) == ("title", "NoteTitle", "text")

    @pytest.mark.parametrize("type_", KINDS)
    def test_every_type_has_two_values_and_refuses_null(self, type_: str) -> None:
        [field] = parse([f"thing:{type_}"], Noun("note"))
        assert field.example != field.other
        assert "None" in field.refused

    @pytest.mark.parametrize(
        "word",
        [
            *("title", "title:", "title:string", "Title:line", "id:uuid", "order:line"),
            *("note:line", "note_id:uuid", "class:line", "copy:line", "page:integer"),
        ],
    )
    def test_refuses(self, word: str) -> None:
        with pytest.raises(DevError, match="--field"):
            parse([word], Noun("note"))

    def test_each_once(self) -> None:
        with pytest.raises(DevError, match="twice"):
            parse(["title:line", "title:text"], Noun("note"))
