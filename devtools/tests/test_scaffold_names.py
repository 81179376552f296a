"""What copier.yml makes of names and fields, and what it refuses."""

import pytest

from devtools.scaffold import generate
from devtools.workspace.errors import DevError

ALONE = {"name": "notes", "services": ["back-api", "back-postgres"]}


def paths(**data: object) -> set[str]:
    rendered, _ = generate.rendered("feature", {**ALONE, **data}, ask=False)
    return {str(path) for path in rendered}


class TestFeature:
    @pytest.mark.parametrize(
        "name, one, many",
        [
            ("notes", "note", "notes"),
            ("saved-searches", "saved_search", "saved_searches"),
            ("reading-list", "reading_list", "reading_lists"),
            ("categories", "category", "categories"),
            ("box", "box", "boxes"),
            ("address", "address", "addresses"),
        ],
    )
    def test_one_and_many(self, name: str, one: str, many: str) -> None:
        found = paths(name=name)
        assert f"back-postgres/repositories/{one}_repository.py" in found
        assert f"back-postgres/routes/{many}.py" in found

    def test_what_one_is_called_can_be_said(self) -> None:
        found = paths(name="library", item="tool")
        assert "back-postgres/repositories/tool_repository.py" in found
        assert "back-postgres/routes/library.py" in found

    @pytest.mark.parametrize(
        "data, why",
        [
            ({"name": "Notes"}, "lower-case words"),
            ({"name": "a" * 25}, "24 letters"),
            ({"name": "../x"}, "lower-case words"),
            ({"name": "class"}, "means something"),
            ({"name": "order"}, "means something"),
            ({"name": "settings", "in_use": ["settings"]}, "is already a name in main.py"),
            ({"item": "user"}, "say --item"),
            ({"item": "event", "in_use": ["event"]}, "is already a name in main.py"),
            ({"fields": ["bool:boolean"]}, "the name bool is taken"),
            ({"fields": ["user_id:uuid"]}, "the name user_id is taken"),
            ({"fields": ["note_id:uuid"]}, "the name note_id is taken"),
            ({"fields": ["model_name:line"]}, "is taken"),
            ({"fields": ["title"]}, "name:type is meant"),
            ({"fields": ["title:number"]}, "name:type is meant"),
            ({"fields": ["title:line", "title:text"]}, "title is given twice"),
            ({"services": ["back-api"]}, "needs back-postgres too"),
            ({"services": ["back-auth"]}, "back-auth can't be generated"),
            ({"services": ["back-rockets"]}, "there is no service back-rockets"),
        ],
    )
    def test_refuses_in_one_line(self, data: dict[str, object], why: str) -> None:
        with pytest.raises(DevError, match=why) as refused:
            paths(**data)
        assert "\n" not in str(refused.value)


class TestServices:
    def test_follow_from_the_answers(self) -> None:
        given = {"name": "notes", "live": "yes"}
        rendered, _ = generate.rendered("feature", given, ask=False)
        contract = next(text for path, text in rendered.items() if "contracts" in path.parts)
        assert "consumers: [audit, live]" in contract

    def test_pages_are_written_for_front_public_alone(self) -> None:
        services = ["back-api", "back-postgres", "front-public"]
        pages = {"front-public/app/features/notes/routes/list.tsx", "tests/browser/test_notes.py"}
        assert pages <= paths(services=services)
        assert not {it for it in paths() if it.startswith(("front-public", "tests/browser"))}

    @pytest.mark.parametrize(
        "answer", [{"data": "values"}, {"background": "yes"}, {"ui": "admins"}]
    )
    def test_that_are_not_generated_are_named(self, answer: dict[str, str]) -> None:
        with pytest.raises(DevError, match=r"back-postgres too|can't be generated"):
            generate.rendered("feature", {"name": "notes", **answer}, ask=False)
