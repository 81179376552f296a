"""The names of a feature, in every form that the repository writes them in."""

import keyword
import re
from dataclasses import dataclass

from devtools.workspace.errors import DevError

KEBAB = re.compile(r"[a-z]+(-[a-z]+)*")
LONGEST = 24

SQL_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        all analyse analyze and any array as asc asymmetric both case cast check collate column
        constraint create current_date current_role current_time current_timestamp current_user
        default deferrable desc distinct do else end except false fetch for foreign from grant
        group having in initially intersect into lateral leading limit localtime localtimestamp
        not null offset on only or order placing primary references returning select session_user
        some symmetric system_user table then to trailing true union unique user using variadic
        when where window with
        """,
    )
)
"""The words that PostgreSQL reserves: no table and no column has one as its name."""


@dataclass(frozen=True)
class Noun:
    """A word of the field: `saved-search`, `saved_search`, `SavedSearch`, `saved search`."""

    kebab: str

    @property
    def snake(self) -> str:
        return self.kebab.replace("-", "_")

    @property
    def pascal(self) -> str:
        return "".join(part.capitalize() for part in self.kebab.split("-"))

    @property
    def words(self) -> str:
        return self.kebab.replace("-", " ")

    @property
    def with_article(self) -> str:
        return f"{'an' if self.kebab[0] in 'aeiou' else 'a'} {self.words}"


@dataclass(frozen=True)
class FeatureNames:
    """A feature, one of the things it keeps, and many of them."""

    feature: Noun
    item: Noun
    items: Noun

    @classmethod
    def of(cls, name: str, item: str | None = None) -> "FeatureNames":
        """From the feature's name; DevError for a name that can't be used.

        `item` is what one of its things is called, where that is not the name without its s.
        """
        feature = _noun(name, "feature")
        if item:
            one = _noun(item, "item")
            many = feature if feature != one else Noun(_plural(one.kebab))
        else:
            one = Noun(_singular(feature.kebab))
            many = feature if feature != one else Noun(_plural(one.kebab))
        for noun in (one, many):
            if noun.snake in SQL_WORDS or keyword.iskeyword(noun.snake):
                raise DevError(
                    f"{noun.snake} means something in SQL or Python: choose another name"
                )
        return cls(feature, one, many)


def service_name(name: str) -> str:
    """`name`, when a service can be called so; DevError otherwise."""
    _noun(name, "service")
    if not name.startswith("back-"):
        raise DevError(f"a service behind the gateway is called back-…, for example back-{name}")
    return name


def _noun(name: str, what: str) -> Noun:
    if not KEBAB.fullmatch(name) or len(name) > LONGEST:
        raise DevError(
            f"{name!r} can't name a {what}: lower-case words with - between them, "
            f"{LONGEST} letters at most, for example saved-searches"
        )
    return Noun(name)


def _singular(kebab: str) -> str:
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("ches", "ch"), ("shes", "sh")):
        if kebab.endswith(ending):
            return kebab.removesuffix(ending) + instead
    if kebab.endswith(("xes", "zes")):
        return kebab.removesuffix("es")
    if kebab.endswith("s") and not kebab.endswith(("ss", "us", "is")):
        return kebab.removesuffix("s")
    return kebab


def _plural(kebab: str) -> str:
    if kebab.endswith("y") and kebab[-2:-1] not in "aeiou":
        return kebab.removesuffix("y") + "ies"
    if kebab.endswith(("s", "x", "z", "ch", "sh")):
        return kebab + "es"
    return kebab + "s"
