"""What all models have in common: how they treat a field that they do not know."""

import pkgutil
from importlib import import_module

import pytest
from pydantic import BaseModel

from shared import models
from shared.models.base import EventPayload, Internal, PublicRequest, Response

BASES = (PublicRequest, Internal, Response, EventPayload)


def all_models() -> list[type[BaseModel]]:
    """All but problem details, which are read and written alike."""
    modules = [
        import_module(f"shared.models.{it.name}")
        for it in pkgutil.iter_modules(models.__path__)
        if it.name != "problem"
    ]
    return [
        it
        for module in modules
        for it in vars(module).values()
        if isinstance(it, type)
        and issubclass(it, BaseModel)
        and it.__module__ == module.__name__
        and it not in BASES
    ]


@pytest.mark.parametrize("model", all_models(), ids=lambda it: it.__name__)
def test_only_requests_from_outside_refuse_what_they_do_not_know(model: type[BaseModel]) -> None:
    [base] = [it for it in BASES if issubclass(model, it)]
    assert model.model_config["extra"] == ("forbid" if base is PublicRequest else "ignore")
    assert model.model_config["frozen"]
