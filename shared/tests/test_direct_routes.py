"""Routes found by one expression a method: the same as the router finds, without it."""

from pathlib import Path
from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, WebSocket
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from shared.kit.http.app import Api
from shared.testing.asgi_client import AsgiClient

REQUESTS = [
    ("GET", "/things/mine"),
    ("GET", "/things/7"),
    ("GET", "/things/seven"),
    ("GET", "/things/7/parts/3.5"),
    ("GET", "/things/7/parts/three"),
    ("DELETE", "/things/7"),
    ("POST", "/things/7"),
    ("GET", "/things"),
    ("GET", "/things/"),
    ("GET", "/files/a/b.txt"),
    ("GET", "/shelf/things/mine"),
    ("GET", "/static/missing"),
    ("GET", "/static-not"),
    ("GET", "/live"),
    ("GET", "/things/a%0A"),
    ("BREW", "/things/7"),
    ("POST", "/picky"),
]


class Never(APIRoute):
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return Match.NONE, {}


def things() -> APIRouter:
    routes = APIRouter(prefix="/things")

    @routes.get("/mine")
    async def mine() -> str:
        return "mine"

    @routes.get("/{thing}")
    async def one(thing: int, request: Request) -> str:
        route = request.scope["route"]
        return f"{thing} of {route.path_format} by {request.scope['endpoint'].__name__}"

    @routes.delete("/{thing}", status_code=204)
    async def remove(thing: str) -> None:
        return None

    @routes.get("/{thing}/parts/{part:float}")
    async def part(thing: str, part: float) -> list[str]:
        return [thing, str(part)]

    @routes.get("/mine")
    async def hidden() -> str:
        return "never found: the first /things/mine is"

    return routes


def fill(app: FastAPI) -> None:
    async def checked() -> str:
        return "checked"

    shelf = APIRouter(prefix="/shelf")
    shelf.include_router(things())
    app.mount("/static", StaticFiles(directory=Path(__file__).parent))
    app.include_router(things())
    app.include_router(shelf)

    @app.get("/files/{path:path}")
    async def file(path: str, said: Annotated[str, Depends(checked)]) -> list[str]:
        return [path, said]

    @app.get("/static/missing")
    async def behind_the_mount() -> str:
        return "never found: the mount is asked first"

    async def refuses_all() -> str:
        return "never found: its class matches nothing"

    app.router.add_api_route("/picky", refuses_all, methods=["POST"], route_class_override=Never)

    @app.post("/picky")
    async def behind_the_picky_one() -> str:
        return "found"

    @app.websocket("/live")
    async def live(_: WebSocket) -> None: ...


@pytest.mark.parametrize("method, path", REQUESTS)
async def test_a_route_is_found_as_by_the_router(method: str, path: str) -> None:
    plain, ours = FastAPI(redirect_slashes=False), Api("notes", "1.0.0")
    fill(plain)
    fill(ours)

    expected = await AsgiClient(plain).request(method, path)
    found = await AsgiClient(ours).request(method, path)

    assert (found.status, found.body) == (expected.status, expected.body)


async def test_no_route_is_compared_but_by_the_expression(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []

    def matches(route: APIRoute, _: Scope) -> tuple[Match, Scope]:
        compared.append(route.path)
        return Match.NONE, {}

    ours = Api("notes", "1.0.0")
    fill(ours)
    monkeypatch.setattr(APIRoute, "matches", matches)
    client = AsgiClient(ours)

    found = await client.get("/shelf/things/mine")
    assert (found.status, compared) == (200, [])
    missing = await client.get("/things")
    assert missing.status == 404
    assert compared


def test_included_routes_are_named_alike_whatever_way_they_came() -> None:
    def notes() -> APIRouter:
        routes = APIRouter()

        @routes.get("/notes/{note}")
        async def read(note: int) -> str:
            return f"{note}"

        return routes

    nested, ours = APIRouter(prefix="/shelf"), Api("notes", "1.0.0")
    nested.include_router(notes())
    ours.include_router(notes())
    ours.include_router(nested)
    ours.include_router(notes(), prefix="/more")

    document = ours.openapi()

    assert {
        document["paths"][f"{prefix}/notes/{{note}}"]["get"]["operationId"]
        for prefix in ("", "/shelf", "/more")
    } == {"get_notes_note", "get_shelf_notes_note", "get_more_notes_note"}
    errors = document["paths"]["/notes/{note}"]["get"]["responses"]["422"]
    assert errors == {"$ref": "#/components/responses/ValidationFailed"}
    assert {"Problem", "FieldError"} == document["components"]["schemas"].keys()


def test_an_app_that_needs_no_schema_has_a_document() -> None:
    document = Api("notes", "1.0.0").openapi()
    assert {"Problem", "FieldError"} == document["components"]["schemas"].keys()
