"""Tickets that open the WebSocket of live notifications."""

from fastapi import APIRouter

from features.live_notifications.api import router
from features.live_notifications.domain import TicketService
from features.live_notifications.infrastructure import RedisTickets
from settings import Settings
from shared.kit import ServiceClient


def feature(settings: Settings, redis: ServiceClient) -> APIRouter:
    """The routes of the feature, wired to the services that it needs."""
    tickets = TicketService(RedisTickets(redis), expires_in=settings.socket_ticket_seconds)
    return router(tickets)
