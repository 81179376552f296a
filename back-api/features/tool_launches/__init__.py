"""Launches of tools, and the tools used last."""

from fastapi import APIRouter

from features.tool_launches.api import router
from features.tool_launches.domain import Launches
from features.tool_launches.infrastructure import CassandraLaunches, PostgresOpenTools
from shared.kit import ServiceClient


def feature(postgres: ServiceClient, cassandra: ServiceClient) -> APIRouter:
    """The routes of the feature, wired to the services that it needs."""
    return router(Launches(PostgresOpenTools(postgres), CassandraLaunches(cassandra)))
