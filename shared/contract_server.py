"""The long-running service `shared`: serves the contracts over HTTP. It has no key and no secret.

In development it serves the page `/docs` too.

Run as `uvicorn shared.contract_server:app --factory`.
"""

from pathlib import Path
from typing import Literal

from fastapi import APIRouter, FastAPI
from fastapi.responses import PlainTextResponse
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.api_docs import api_docs_router
from shared.kit.contract_registry import ContractRegistry, contract_registry
from shared.kit.errors import NotFound
from shared.kit.http.middleware import RequestContext
from shared.kit.http.problems import install_problems
from shared.kit.runtime.health import HealthChecks, version_in
from shared.kit.runtime.log import configure_logging

_SERVICE = "shared"
_PACKAGE = Path(__file__).resolve().parent


class ContractServerSettings(BaseSettings):
    """Where it runs and how it logs; uvicorn reads its own address and port."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    environment: Literal["development", "production"] = "production"
    log_format: str = "json"
    log_level: str = "INFO"


def contracts_router() -> APIRouter:
    """The contracts of this version of `shared`: `/contracts` lists them, `/contracts/{name}` is
    the text of one as YAML.
    """
    router = APIRouter(prefix="/contracts", tags=["contracts"])

    @router.get("")
    async def index() -> ContractRegistry:
        return contract_registry()

    @router.get("/{name}", response_class=PlainTextResponse)
    async def contract(name: str) -> PlainTextResponse:
        if name not in contract_registry().contracts:
            raise NotFound("There is no contract of that name.", code="contract_not_found")
        text = (_PACKAGE / "contracts" / name / "feature.yaml").read_text()
        return PlainTextResponse(text, media_type="application/yaml")

    return router


def app() -> FastAPI:
    settings = ContractServerSettings()
    configure_logging(_SERVICE, log_format=settings.log_format, level=settings.log_level)
    version = version_in(_PACKAGE.parent)
    api = FastAPI(
        title=_SERVICE, version=version, docs_url=None, redoc_url=None, redirect_slashes=False
    )
    api.add_middleware(RequestContext, deadline=10, body_max_bytes=1024)
    install_problems(api)
    api.include_router(HealthChecks(_SERVICE, version).router())
    api.include_router(contracts_router())
    if settings.environment == "development":
        api.include_router(api_docs_router())
    return api
