"""Which services talk with each other, by the contracts."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

from shared.testing.contracts.files import read_all
from shared.testing.contracts.schema import Contract

ROOT = Path(__file__).parents[3]


class Pair(NamedTuple):
    """`consumer` calls `provider`, or reads its events or streams."""

    consumer: str
    provider: str


@cache
def contracts() -> list[Contract]:
    """The contracts of this repository."""
    return [file.contract for file in read_all(ROOT).values()]


def event_types(publisher: str, consumer: str) -> list[str]:
    """The types of event of the service `publisher` that the consumer named `consumer` gets."""
    return sorted(
        event.type
        for contract in contracts()
        for event in contract.events
        if event.publisher == publisher and consumer in event.consumers
    )


def pairs() -> set[Pair]:
    """Every two services of which the first calls the second or reads its events or streams.

    A front calls the public endpoints of the services that it depends on.
    """
    services = {it.name: it.service for contract in contracts() for it in contract.consumers}
    found: set[Pair] = set()
    for contract in contracts():
        for endpoint in contract.endpoints:
            found |= {Pair(caller, endpoint.service) for caller in endpoint.callers}
        public = {it.service for it in contract.endpoints if it.scope is None}
        fronts = [it for it in contract.participants if it.startswith("front-")]
        found |= {Pair(it, name) for it in fronts for name in public & {*contract.ranges_of(it)}}
        for event in contract.events:
            found |= {Pair(services[name], event.publisher) for name in event.consumers}
        for stream in contract.streams:
            found |= {Pair(consumer, stream.publisher) for consumer in stream.consumers}
    return {it for it in found if it.consumer != it.provider}
