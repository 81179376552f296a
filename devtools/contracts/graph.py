"""Who calls whom and who tells whom what, as text and Mermaid, with the order of a release."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import groupby

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
    edges: tuple[Edge, ...]
    layers: tuple[tuple[str, ...], ...]
    """The order of a release: what stands in one layer may go together."""


def of(files: Mapping[str, ContractFile]) -> Graph:
    """The graph of all contracts; they have no cycle."""
    found: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    consumers = [it for file in files.values() for it in file.contract.consumers]
    delivered = {it.name: it.service for it in consumers}
    for file in files.values():
        for endpoint in file.contract.endpoints:
            for caller in endpoint.callers:
                called = f"{endpoint.method} {endpoint.path}"
                found[caller, endpoint.service, "calls"].add(called)
        for event in file.contract.events:
            for name in event.consumers:
                found[event.publisher, delivered[name], "events"].add(f"{event.type} ({name})")
        for stream in file.contract.streams:
            for consumer in stream.consumers:
                found[stream.publisher, consumer, "events"].add(f"stream {stream.name}")
    return Graph(
        edges=tuple(
            Edge(source, target, kind, tuple(sorted(what)))
            for (source, target, kind), what in sorted(found.items())
            if source != target
        ),
        layers=tuple(_layers(edges(files))),
    )


def text(graph: Graph) -> str:
    verbs = {"calls": "calls", "events": "tells"}
    lines: list[str] = []
    for source, edges_ in groupby(graph.edges, key=lambda edge: edge.source):
        lines.append(source)
        for edge in edges_:
            lines += [f"  {verbs[edge.kind]} {edge.target}", *(f"    {it}" for it in edge.what)]
    order = [", ".join(layer) for layer in graph.layers]
    lines += ["", f"release:  {' → '.join(order)}", f"rollback: {' → '.join(reversed(order))}"]
    return "\n".join(lines) + "\n"


def mermaid(graph: Graph) -> str:
    arrows = {"calls": "-->", "events": "-.->"}
    lines = ["flowchart LR"]
    for edge in graph.edges:
        count = len(edge.what)
        label = f"{count} {edge.kind.removesuffix('s') if count == 1 else edge.kind}"
        lines.append(f'  {edge.source} {arrows[edge.kind]}|"{label}"| {edge.target}')
    return "\n".join(lines) + "\n"


def _layers(needs: Mapping[str, set[str]]) -> Iterator[tuple[str, ...]]:
    sorter = TopologicalSorter(needs)
    sorter.prepare()
    while sorter.is_active():
        ready = sorter.get_ready()
        yield tuple(sorted(ready))
        sorter.done(*ready)
