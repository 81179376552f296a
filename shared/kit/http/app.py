"""The FastAPI app that every service is, and the errors that its OpenAPI document tells of."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import FastAPI

from shared.kit.http.problems import MEDIA_TYPE
from shared.models.problem import Problem

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


class Api(FastAPI):
    """Paths exactly as written, no pages, and one shape for every error of every route."""

    def __init__(self, service: str, version: str, lifespan: Lifespan | None = None) -> None:
        super().__init__(
            title=service,
            version=version,
            lifespan=lifespan,
            redirect_slashes=False,
            docs_url=None,
            redoc_url=None,
            responses={"default": {"model": Problem, "description": "Any error"}},
        )

    def openapi(self) -> dict[str, Any]:
        """FastAPI's document, with errors under the media type that they are sent as."""
        if self.openapi_schema is None:
            for path in super().openapi()["paths"].values():
                for operation in path.values():
                    error = operation["responses"]["default"]
                    (shape,) = error["content"].values()
                    error["content"] = {MEDIA_TYPE: shape}
        return super().openapi()
