"""Adapters that the apps of tests share."""

import pytest
from fastapi import FastAPI
from fastapi._compat import v2
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field

from shared.testing import field_adapters
from shared.testing.asgi_client import AsgiClient


@pytest.fixture(autouse=True)
def plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(v2, "TypeAdapter", None)  # put back after the test
    field_adapters.pytest_configure()


class Shared(BaseModel):
    word: str


def app_of(model: type[BaseModel]) -> FastAPI:
    app = FastAPI()

    async def echo(body: BaseModel) -> BaseModel:
        return body

    echo.__annotations__ = {"body": model, "return": model}
    app.post("/")(echo)
    return app


def body_adapter(app: FastAPI) -> object:
    route = app.routes[-1]
    assert isinstance(route, APIRoute)
    assert route.body_field is not None
    return route.body_field._type_adapter


async def test_two_apps_share_the_adapter_of_one_type() -> None:
    first, second = app_of(Shared), app_of(Shared)
    assert body_adapter(first) is body_adapter(second)
    assert (await AsgiClient(second).post("/", json={"word": "a"})).json() == {"word": "a"}


@pytest.mark.parametrize("length", [1, 2])
async def test_types_of_one_name_have_their_own(length: int) -> None:
    class Local(BaseModel):
        word: str = Field(max_length=length)

    client = AsgiClient(app_of(Local))
    assert (await client.post("/", json={"word": "a" * length})).status == 200
    assert (await client.post("/", json={"word": "a" * (length + 1)})).status == 422
