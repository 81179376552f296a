"""A plugin of pytest: what FastAPI makes of the type of a parameter or a body is made once.

An app is made anew for each test, and these adapters, which nothing changes, are half of that.
"""

from typing import Any, get_args

from fastapi._compat import v2
from pydantic import ConfigDict, TypeAdapter

_made: dict[tuple[object, str], tuple[object, TypeAdapter[Any]]] = {}


def pytest_configure() -> None:
    setattr(v2, "TypeAdapter", _made_once)  # noqa: B010 - mypy takes it for no variable


def _made_once(
    annotated: Any,  # noqa: ANN401 - as TypeAdapter has it
    *,
    config: ConfigDict | None = None,
) -> TypeAdapter[Any]:
    """The adapter of a type, which may be a class of one test, and what else is said of it."""
    kind, *rest = get_args(annotated)
    key = (kind, repr([rest, config]))
    if key not in _made:
        # With `annotated` it keeps the functions that the text names by their address.
        _made[key] = annotated, TypeAdapter(annotated, config=config)
    return _made[key][1]
