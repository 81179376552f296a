"""The eight questions, and the services that follow from their answers."""

from collections.abc import Callable

import pytest

from devtools.scaffold import scope
from devtools.scaffold.new_feature import consumers
from devtools.workspace.errors import DevError


def answering(*answers: str) -> Callable[[str], str]:
    left = iter(answers)
    return lambda question: next(left)


class TestServices:
    def test_there_are_eight_questions(self) -> None:
        assert len({question.key for question in scope.QUESTIONS}) == 8

    @pytest.mark.parametrize(
        "words, kind",
        [
            (["ui=users", "rules=yes", "data=records"], "CRUD for users"),
            (["ui=admins", "rules=yes", "data=records"], "management for admins"),
            (["ui=users", "access=login", "data=records,events"], "authentication"),
            (["rules=yes", "data=records", "background=yes"], "background work"),
            (["ui=users", "rules=yes", "live=yes"], "real time"),
            (["ui=admins", "data=records", "background=yes"], "data export"),
            (["rules=yes", "background=yes", "shared=yes"], "integration"),
        ],
    )
    def test_each_kind_is_found_by_its_answers(self, words: list[str], kind: str) -> None:
        found = scope.services(scope.answered(words))
        assert scope.nearest(found).name == kind
        assert set(found) - {"shared"} == set(scope.nearest(found).services)

    @pytest.mark.parametrize("word", ["data", "data=paper", "colour=red"])
    def test_refuses_what_is_no_answer(self, word: str) -> None:
        with pytest.raises(DevError):
            scope.services(scope.answered([word]))


class TestAsked:
    def test_asks_again_where_it_did_not_understand(self) -> None:
        said: list[str] = []
        answers = ("users", "perhaps", "yes", "no", "records", "no", "no", "no", "yes")
        given = scope.asked(answering(*answers), said.append)
        assert scope.services(given) == ["front-public", "back-api", "back-postgres", "shared"]
        assert said == ["rules: 'perhaps' is no answer; yes, no are"]


class TestConsumers:
    def test_every_event_is_audited(self) -> None:
        assert consumers(["back-api", "back-postgres", "shared"]) == ["audit"]

    def test_live_where_somebody_is_told(self) -> None:
        chosen = ["back-api", "back-postgres", "back-websockets", "back-redis"]
        assert consumers(chosen) == ["audit", "live"]

    @pytest.mark.parametrize(
        "chosen, why",
        [
            (["front-public", "back-api"], "the fronts don't exist yet"),
            (["back-api"], "needs back-postgres"),
            (["back-api", "back-postgres", "back-workers"], "back-workers/CONTEXT.md"),
            (["back-mars"], "no service back-mars"),
        ],
    )
    def test_says_what_is_generated_so_far(self, chosen: list[str], why: str) -> None:
        with pytest.raises(DevError, match=f"{why}.*Generated so far: back-api, back-postgres"):
            consumers(chosen)
