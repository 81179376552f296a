"""Who calls whom and who tells whom what, as text and Mermaid, with the order of a release."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

from devtools.contracts.consistency import edges
from shared.testing.contracts.files import ContractFile


@dataclass(frozen=True)
class Edge:
    """One service calls another, or its events reach it; `what` says which."""

    source: str
    target: str
    kind: str
    what: tuple[str, ...]


@dataclass(frozen=True)
class Graph:
    services: tuple[str, ...]
    edges: tuple[Edge, ...]
    layers: tuple[tuple[str, ...], ...]
    """The order of a release: what stands in one layer may go together."""


def of(files: Mapping[str, ContractFile]) -> Graph:
    """The graph of all contracts; they have no cycle."""
    found: dict[tuple[str, str, str], set[str]] = {}
    delivered: dict[str, str] = {
        it.name: it.service for file in files.values() for it in file.contract.consumers
    }
    for file in files.values():
        for endpoint in file.contract.endpoints:
            for caller in endpoint.callers:
                key = (caller, endpoint.service, "calls")
                found.setdefault(key, set()).add(f"{endpoint.method} {endpoint.path}")
        for event in file.contract.events:
            for name in event.consumers:
                key = (event.publisher, delivered[name], "events")
                found.setdefault(key, set()).add(f"{event.type} ({name})")
        for stream in file.contract.streams:
            for consumer in stream.consumers:
                key = (stream.publisher, consumer, "events")
                found.setdefault(key, set()).add(f"stream {stream.name}")
    listed = [Edge(*key, tuple(sorted(what))) for key, what in sorted(found.items())]
    layers = tuple(_layers(edges(files)))
    return Graph(
        services=tuple(name for layer in layers for name in layer),
        edges=tuple(edge for edge in listed if edge.source != edge.target),
        layers=layers,
    )


def text(graph: Graph) -> str:
    lines: list[str] = []
    for service in graph.services:
        own = [edge for edge in graph.edges if edge.source == service]
        if own:
            lines.append(service)
            for edge in own:
                verb = "calls" if edge.kind == "calls" else "tells"
                lines.append(f"  {verb} {edge.target}")
                lines += [f"    {what}" for what in edge.what]
    order = " → ".join(", ".join(layer) for layer in graph.layers)
    back = " → ".join(", ".join(layer) for layer in reversed(graph.layers))
    lines += ["", f"release:  {order}", f"rollback: {back}"]
    return "\n".join(lines) + "\n"


def mermaid(graph: Graph) -> str:
    lines = ["flowchart LR"]
    for edge in graph.edges:
        count = len(edge.what)
        if edge.kind == "calls":
            label = "1 call" if count == 1 else f"{count} calls"
            lines.append(f'  {edge.source} -->|"{label}"| {edge.target}')
        else:
            label = "1 event" if count == 1 else f"{count} events"
            lines.append(f'  {edge.source} -.->|"{label}"| {edge.target}')
    return "\n".join(lines) + "\n"


def _layers(needs: Mapping[str, set[str]]) -> Iterator[tuple[str, ...]]:
    sorter = TopologicalSorter(needs)
    sorter.prepare()
    while sorter.is_active():
        ready = sorter.get_ready()
        yield tuple(sorted(ready))
        sorter.done(*ready)
