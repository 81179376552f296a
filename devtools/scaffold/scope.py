"""Which services a feature touches: eight questions, and kinds of feature to compare with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from devtools.workspace.errors import DevError


@dataclass(frozen=True)
class Question:
    """`answers` gives the services that each answer means; several may be given, with commas."""

    key: str
    text: str
    answers: Mapping[str, tuple[str, ...]]


QUESTIONS = (
    Question(
        "ui",
        "Who gets to see it on a page?",
        {"users": ("front-public",), "admins": ("front-admin",), "no": ()},
    ),
    Question(
        "rules",
        "Does it decide anything, or call several services in an order?",
        {"yes": ("back-api",), "no": ()},
    ),
    Question(
        "access",
        "Is it about who somebody is (login), or about what they may do (permissions)?",
        {"login": ("back-auth",), "permissions": ("back-api",), "no": ()},
    ),
    Question(
        "data",
        "What does it keep: records with relations, an ever growing log of events, or values "
        "that may be lost or expire?",
        {
            "records": ("back-postgres",),
            "events": ("back-cassandra",),
            "values": ("back-redis",),
            "no": (),
        },
    ),
    Question(
        "background",
        "Is something left to do after the answer, or by the clock?",
        {"yes": ("back-workers",), "no": ()},
    ),
    Question(
        "live",
        "Should people be told of a change while they look at the page?",
        {"yes": ("back-websockets", "back-redis"), "no": ()},
    ),
    Question(
        "edge",
        "Does the gateway need a new prefix, or a limit for it?",
        {"yes": ("back-gateway",), "no": ()},
    ),
    Question(
        "shared",
        "Do services tell each other something that has no model or contract yet?",
        {"yes": ("shared",), "no": ()},
    ),
)


@dataclass(frozen=True)
class Kind:
    """A kind of feature and the services that it usually touches."""

    name: str
    services: tuple[str, ...]
    example: str


MATRIX = (
    Kind("CRUD for users", ("front-public", "back-api", "back-postgres"), "a profile"),
    Kind("management for admins", ("front-admin", "back-api", "back-postgres"), "user accounts"),
    Kind(
        "authentication",
        ("front-public", "back-auth", "back-postgres", "back-cassandra"),
        "login by password",
    ),
    Kind("background work", ("back-api", "back-workers", "back-postgres"), "reports by the clock"),
    Kind(
        "real time",
        ("front-public", "back-api", "back-websockets", "back-redis"),
        "live notifications",
    ),
    Kind("data export", ("front-admin", "back-workers", "back-postgres"), "a CSV file"),
    Kind("integration", ("back-api", "back-workers"), "keeping in step with a third party"),
)


def asked(ask: Callable[[str], str], say: Callable[[str], None]) -> dict[str, str]:
    """An answer to every question; one that can't be understood is asked again."""
    given: dict[str, str] = {}
    for number, question in enumerate(QUESTIONS, start=1):
        while question.key not in given:
            answer = ask(f"{number}. {question.text} [{', '.join(question.answers)}]")
            try:
                _services(question, answer)
            except DevError as error:
                say(str(error))
            else:
                given[question.key] = answer
    return given


def answered(words: Sequence[str]) -> dict[str, str]:
    """Answers from `key=answer`; DevError for a question that there is not."""
    keys = [question.key for question in QUESTIONS]
    given: dict[str, str] = {}
    for word in words:
        key, separator, answer = word.partition("=")
        if not separator or key not in keys:
            raise DevError(f"--answer {word!r}: key=answer is meant, key one of {', '.join(keys)}")
        given[key] = answer
    return given


def services(answers: Mapping[str, str]) -> list[str]:
    """The services that follow, in the order of the questions; no answer is a no."""
    found = [
        service
        for question in QUESTIONS
        for service in _services(question, answers.get(question.key, "no"))
    ]
    return list(dict.fromkeys(found))


def nearest(chosen: Sequence[str]) -> Kind:
    """The kind of feature whose services have most in common with the chosen ones."""
    wanted = set(chosen) - {"shared", "back-gateway"}

    def likeness(kind: Kind) -> float:
        return len(wanted & set(kind.services)) / len(wanted | set(kind.services))

    return max(MATRIX, key=likeness)


def _services(question: Question, answer: str) -> list[str]:
    words = [word.strip().lower() for word in answer.split(",")]
    for word in words:
        if word not in question.answers:
            raise DevError(
                f"{question.key}: {word!r} is no answer; {', '.join(question.answers)} are"
            )
    return [service for word in words for service in question.answers[word]]
