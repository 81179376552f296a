"""Socket tickets: keep and redeem."""

from fastapi import APIRouter

from shared.kit.auth.guards import calls_with_scope
from shared.models.auth import NewTicket, RedeemTicket, TicketHolder
from stores.ticket_store import TicketStore


def router(tickets: TicketStore) -> APIRouter:
    routes = APIRouter(prefix="/tickets")

    @routes.post("", status_code=204, dependencies=[calls_with_scope("tickets:issue")])
    async def keep_ticket(ticket: NewTicket) -> None:
        await tickets.keep(ticket)

    @routes.post("/redeem", dependencies=[calls_with_scope("tickets:redeem")])
    async def redeem_ticket(ticket: RedeemTicket) -> TicketHolder:
        return await tickets.redeem(ticket.ticket_hash)

    return routes
