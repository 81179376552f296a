"""The page `/docs`: the public API of all services in Swagger UI, for developers.

Its files come from this package and from the wheel `fastapi-swagger`; it makes no request to
another host. The document is `shared/kit/public_api.json`, which `./dev contracts sync` writes.
"""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

from shared.kit.errors import NotFound

PREFIX = "/docs"
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "style-src 'self' 'unsafe-inline'; "  # Swagger UI sets styles of its elements
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SHARED = Path(__file__).resolve().parent.parent
_OWN = _SHARED / "api_docs"
_SWAGGER = Path(str(files("fastapi_swagger.resources")))
_FILES = {
    "openapi.json": _SHARED / "kit" / "public_api.json",
    "page.css": _OWN / "page.css",
    "page.js": _OWN / "page.js",
    "favicon-32x32.png": _SWAGGER / "favicon-32x32.png",
    "swagger-ui.css": _SWAGGER / "swagger-ui.css",
    "swagger-ui-bundle.js": _SWAGGER / "swagger-ui-bundle.js",
}


def api_docs_router() -> APIRouter:
    """`/docs` is the page, `/docs/openapi.json` the document, `/docs/{name}` a file of the page."""
    router = APIRouter(prefix=PREFIX, include_in_schema=False)

    @router.get("")
    async def page() -> FileResponse:
        return FileResponse(_OWN / "page.html", headers={"Content-Security-Policy": POLICY})

    @router.get("/{name}")
    async def file(name: str) -> FileResponse:
        if name not in _FILES:
            raise NotFound("The documentation has no file of that name.", code="file_not_found")
        return FileResponse(_FILES[name], headers={"X-Content-Type-Options": "nosniff"})

    return router
