"""The tools: kept by admins, found by users."""

from fastapi import APIRouter

from features.tool_catalogue.api import router
from features.tool_catalogue.domain import ToolAdministration, ToolLibrary
from features.tool_catalogue.infrastructure import PostgresToolLibrary, PostgresTools
from shared.kit import ServiceClient


def feature(postgres: ServiceClient) -> APIRouter:
    """The routes of the feature, wired to the services that it needs."""
    return router(
        ToolAdministration(PostgresTools(postgres)), ToolLibrary(PostgresToolLibrary(postgres))
    )
