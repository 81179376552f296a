"""`/auth/ws-ticket`."""

from fastapi import APIRouter, Response, status

from features.live_notifications.domain import TicketService
from shared.kit.auth.guards import CurrentUser
from shared.models.auth import SocketTicket


def router(tickets: TicketService) -> APIRouter:
    routes = APIRouter(tags=["sockets"])

    @routes.post("/auth/ws-ticket", status_code=status.HTTP_201_CREATED)
    async def issue_ticket(user: CurrentUser, response: Response) -> SocketTicket:
        response.headers["Cache-Control"] = "no-store"
        ticket = await tickets.issue(user.id, user.sid, user.generation)
        return SocketTicket(ticket=ticket, expires_in=tickets.expires_in)

    return routes
