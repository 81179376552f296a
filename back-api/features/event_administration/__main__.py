"""`python -m features.event_administration list|show|dead|replay|stats`, run beside the service."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import get_args
from uuid import UUID

from pydantic import BaseModel, ValidationError

from features.event_administration.domain import EventAdministration, Operator, Wanted
from features.event_administration.infrastructure import PostgresDeliveries
from features.event_administration.reconciliation import Reconciler, Reconciliation
from features.notifications.infrastructure import CassandraTimeline, RedisUnreadCounts
from services.operator import operator
from settings import Settings
from shared.kit import Connect, ServiceClient, service_client
from shared.kit.errors import ServiceError
from shared.kit.http.context import correlated
from shared.kit.runtime.log import configure_logging
from shared.models.base import now
from shared.models.event_administration import (
    DELIVERY_PAGE_MAX,
    REPLAYED_MAX,
    Backlog,
    ConsumerBacklog,
    DeliveriesReplayed,
    DeliveryPage,
    DeliveryState,
    ListedDelivery,
    ReplayFilter,
)

_LISTED = ("delivery_id", "event_type", "consumer", "state", "attempts", "created_at", "last_error")
_TEXT_MAX = 60
_DESCRIPTION = "Deliveries of events: list and count them, and send dead ones again."


def main(arguments: list[str], connect: Connect | None = None) -> int:
    """Run the command. The exit status is 1 when it was refused."""
    given = _parser().parse_args(arguments)
    configure_logging("back-api", level="ERROR")
    try:
        found = asyncio.run(_run(given, connect))
    except ValidationError as error:
        print(error.errors()[0]["msg"].removeprefix("Value error, "), file=sys.stderr)
        return 1
    except ServiceError as error:
        print(error.detail, file=sys.stderr)
        return 1
    print(found.model_dump_json(indent=2) if given.json else _text(found))
    disagrees = isinstance(found, Reconciliation) and found.disagreements
    return 1 if disagrees and given.dry_run else 0


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="for programs")
    shared.add_argument("--operator", default="", help=argparse.SUPPRESS)
    some = argparse.ArgumentParser(add_help=False)
    some.add_argument("--consumer", help="such as mail or audit")
    some.add_argument("--type", dest="event_type", help="of the event, such as user.registered")
    some.add_argument(
        "--since", metavar="TIME", type=_moment, help="stored then or later, ISO 8601"
    )
    some.add_argument("--until", metavar="TIME", type=_moment, help="stored before")
    paged = argparse.ArgumentParser(add_help=False)
    paged.add_argument("--limit", type=int, default=50, help=f"at most {DELIVERY_PAGE_MAX}")
    paged.add_argument("--before", metavar="CURSOR", help="the `next` of the page before")

    parser = argparse.ArgumentParser(prog="./dev events", description=_DESCRIPTION)
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", parents=[shared, some, paged], help="newest first")
    listing.add_argument("--state", choices=get_args(DeliveryState))
    commands.add_parser("dead", parents=[shared, some, paged], help="those given up")
    showing = commands.add_parser("show", parents=[shared], help="one with its event")
    showing.add_argument("delivery_id", type=UUID)
    replay = commands.add_parser(
        "replay", parents=[shared, some], help="send dead ones again: one, or all that match"
    )
    replay.add_argument("delivery_id", type=UUID, nargs="?")
    replay.add_argument("--limit", type=int, default=100, help=f"at most {REPLAYED_MAX}")
    commands.add_parser("stats", parents=[shared], help="what each consumer has not done")
    reconcile = commands.add_parser(
        "reconcile",
        parents=[shared],
        help="find and mend what disagrees between outbox, timelines and unread counts",
    )
    reconcile.add_argument("--since", metavar="TIME", type=_moment, help="a day ago, if not given")
    reconcile.add_argument("--dry-run", action="store_true", help="mend nothing; exit 1 if needed")
    return parser


def _moment(text: str) -> datetime:
    """A moment; one without a zone is meant in the zone of this machine."""
    return datetime.fromisoformat(text).astimezone()


async def _run(given: argparse.Namespace, connect: Connect | None) -> BaseModel:
    settings = Settings()

    def client(callee: str, url: str) -> ServiceClient:
        return service_client(settings, callee, connect(callee) if connect else url)

    async with client("back-postgres", settings.back_postgres_url) as postgres:
        deliveries = PostgresDeliveries(postgres)
        with correlated(None):
            if given.command != "reconcile":
                return await _answer(EventAdministration(deliveries), given)
            async with (
                client("back-cassandra", settings.back_cassandra_url) as cassandra,
                client("back-redis", settings.back_redis_url) as redis,
            ):
                reconciler = Reconciler(
                    deliveries, CassandraTimeline(cassandra), RedisUnreadCounts(redis)
                )
                since = given.since or now() - timedelta(days=1)
                return await reconciler.run(since, dry_run=given.dry_run)


async def _answer(administration: EventAdministration, given: argparse.Namespace) -> BaseModel:
    if given.command == "stats":
        return await administration.backlog()
    if given.command == "show":
        return await administration.get(given.delivery_id)
    by = Operator(given.operator or operator())
    if given.command == "replay" and given.delivery_id:
        return await administration.replay(by, given.delivery_id)
    if given.command == "replay":
        asked = ReplayFilter(
            consumer=given.consumer,
            event_type=given.event_type,
            since=given.since,
            until=given.until,
            limit=given.limit,
        )
        return await administration.replay_all(by, asked)
    state: DeliveryState | None = "dead" if given.command == "dead" else given.state
    wanted = Wanted(state, given.consumer, given.event_type, given.since, given.until)
    return await administration.page(wanted, given.limit, given.before)


def _text(found: BaseModel) -> str:
    match found:
        case Backlog(consumers=consumers):
            return _table(list(ConsumerBacklog.model_fields), consumers)
        case DeliveryPage(items=items, next=following):
            more = f"\nMore: --before {following}" if following else ""
            return (_table(_LISTED, items) if items else "There is none.") + more
        case Reconciliation(events=events, users=users, disagreements=wrong):
            rows = [[it.what, it.user_id, it.mended, " ".join(map(str, it.ids))] for it in wrong]
            compared = f"{events} events of {users} users were compared, {len(wrong)} disagree"
            table = _lines(["what", "user_id", "mended", "ids"], rows) if rows else ""
            return f"{table}\n{compared}.".lstrip()
        case DeliveriesReplayed(replayed=count):
            return f"{count} {'delivery is' if count == 1 else 'deliveries are'} pending again."
        case _:
            return found.model_dump_json(indent=2)


def _table(columns: Sequence[str], items: Sequence[ListedDelivery | ConsumerBacklog]) -> str:
    return _lines(columns, [[_cell(getattr(it, name)) for name in columns] for it in items])


def _lines(columns: Sequence[str], cells: Sequence[Sequence[object]]) -> str:
    rows = [list(columns), *(list(map(str, row)) for row in cells)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines)


def _cell(value: object) -> str:
    text = f"{value:.1f}" if isinstance(value, float) else "" if value is None else str(value)
    return text if len(text) <= _TEXT_MAX else f"{text[: _TEXT_MAX - 1]}…"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
