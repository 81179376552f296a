"""The kinds of notifications: texts, default channels, and the events that they come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from string import Template
from typing import Final

from pydantic import JsonValue

from shared.models.notification import KindPreference, NotificationKind
from shared.models.profile import LANGUAGES

DEFAULT_LANGUAGE: Final = LANGUAGES[0]


@dataclass(frozen=True)
class Texts:
    """Title and body of a kind in one language; `$name` is a placeholder."""

    title: str
    body: str

    @property
    def placeholders(self) -> set[str]:
        """The names that `rendered` has to be given."""
        return {
            *Template(self.title).get_identifiers(),
            *Template(self.body).get_identifiers(),
        }

    def rendered(self, values: Mapping[str, str]) -> "Texts":
        """The texts with `values` in the place of their placeholders.

        Raises KeyError for a placeholder without a value.
        """
        return Texts(
            Template(self.title).substitute(values), Template(self.body).substitute(values)
        )


@dataclass(frozen=True)
class Kind:
    """A kind: its default channels, and its texts by language; English has to be there."""

    default: KindPreference
    texts: Mapping[str, Texts]

    def texts_in(self, language: str | None) -> tuple[str, Texts]:
        """The language that is used, and the texts in it."""
        used = language if language and language in self.texts else DEFAULT_LANGUAGE
        return used, self.texts[used]


_LIVE = KindPreference(live=True, mail=False)
_LIVE_AND_MAIL = KindPreference(live=True, mail=True)
_LISTED = KindPreference(live=False, mail=False)

_AS_WRITTEN = Texts("$title", "$body")

KINDS: Final[Mapping[NotificationKind, Kind]] = {
    "admin_message": Kind(_LIVE, {"en": _AS_WRITTEN, "es": _AS_WRITTEN}),
    "export_ready": Kind(
        _LIVE_AND_MAIL,
        {
            "en": Texts("Your export is ready", "Download it before its link ends."),
            "es": Texts("Tu exportación está lista", "Descárgala antes de que caduque el enlace."),
        },
    ),
    "password_changed": Kind(
        _LIVE_AND_MAIL,
        {
            "en": Texts(
                "Your password was changed",
                "All other sessions have ended. If it was not you, reset your password now.",
            ),
            "es": Texts(
                "Tu contraseña ha cambiado",
                "Las demás sesiones se han cerrado. Si no has sido tú, restablécela ahora.",
            ),
        },
    ),
    # The next two tell users what they did a moment ago: they are only listed unless asked for.
    "profile_created": Kind(
        _LISTED,
        {
            "en": Texts("Your profile is set up", "It is $completion % complete."),
            "es": Texts("Tu perfil está creado", "Está completo al $completion %."),
        },
    ),
    "welcome": Kind(
        _LISTED,
        {
            "en": Texts("Welcome to Tools Dashboard", "Fill in your profile to begin."),
            "es": Texts("Te damos la bienvenida a Tools Dashboard", "Completa tu perfil."),
        },
    ),
}


@dataclass(frozen=True)
class Source:
    """The kind that an event becomes for the `user_id` of its payload.

    `values` names what the texts take from the payload, and `data` what the notification keeps. An
    event whose payload has other values than `only` becomes none.
    """

    kind: NotificationKind
    values: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    only: Mapping[str, JsonValue] = field(default_factory=dict)

    def applies_to(self, payload: Mapping[str, JsonValue]) -> bool:
        return all(payload.get(name) == value for name, value in self.only.items())


SOURCES: Final[Mapping[str, Source]] = {
    "profile.created": Source("profile_created", values=("completion",), data=("profile_id",)),
    "task.finished": Source(
        "export_ready", data=("task_id",), only={"kind": "user_export", "status": "succeeded"}
    ),
    "user.password.changed": Source("password_changed"),
    "user.verified": Source("welcome"),
}
"""Every type of event that contracts send to the consumer `notifications`."""
