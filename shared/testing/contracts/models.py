"""The models that contracts name, found in shared/models."""

import importlib
import inspect
import re
from pathlib import Path

from pydantic import BaseModel

NAME = re.compile(r"^(?P<module>[a-z_]+)\.(?P<model>\w+)(?:\[(?P<argument>[^\]]+)\])?$")


class UnknownModel(Exception):
    """shared/models has nothing of that name."""


def model(name: str) -> type[BaseModel]:
    """The model called `name`; UnknownModel when there is none."""
    found = named_type(name)
    if not (inspect.isclass(found) and issubclass(found, BaseModel)):
        raise UnknownModel(f"{name} is no model")
    parameters = getattr(found, "__pydantic_generic_metadata__", {}).get("parameters")
    if parameters:
        raise UnknownModel(f"{name} needs the model it holds, like {name}[user.NewUser]")
    return found


def named_type(name: str) -> object:
    """A model, or an alias that a parameter may have; UnknownModel when there is none."""
    match = NAME.match(name)
    if not match:
        raise UnknownModel(f"{name!r} is no name like user.User")
    try:
        module = importlib.import_module(f"shared.models.{match['module']}")
    except ModuleNotFoundError:
        raise UnknownModel(f"there is no shared/models/{match['module']}.py") from None
    if match["model"] not in vars(module):
        raise UnknownModel(f"shared/models/{match['module']}.py has no {match['model']}")
    found = vars(module)[match["model"]]
    if match["argument"]:
        found = found[model(match["argument"])]
    return found


def source_of(kind: type[BaseModel]) -> tuple[Path, int]:
    """File, relative to the repository, and line where a model is defined."""
    origin = kind.__pydantic_generic_metadata__["origin"] or kind
    module = Path(*origin.__module__.split(".")).with_suffix(".py")
    return module, inspect.getsourcelines(origin)[1]
