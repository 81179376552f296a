"""Who calls whom and who tells whom what, as text, Mermaid and SVG, with the order of a release."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from html import escape

from devtools.contracts.consistency import SHARED, edges
from shared.testing.contracts.files import ContractFile

BOX_WIDTH, BOX_HEIGHT = 150, 40
COLUMN, ROW = 260, 110
MARGIN = 30
STYLE = """
    text { font: 14px sans-serif; text-anchor: middle; dominant-baseline: middle; fill: #1b1f24 }
    rect { fill: #f2f5f9; stroke: #44546a } path { fill: none; stroke: #44546a }
    path.events { stroke: #b35900; stroke-dasharray: 6 4 } #head { fill: #44546a; stroke: none }
"""

HEAD = """\
<defs><marker id="arrow" viewBox="0 0 10 10" refX="10" refY="5" markerWidth="8" markerHeight="8"
 orient="auto"><path id="head" d="M0 0 10 5 0 10z"/></marker></defs>"""


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


def svg(graph: Graph) -> str:
    """Callers above what they call, one row a layer of the release order; events are dashed."""
    places = _places(graph)
    width = max(x for x, _ in places.values()) + BOX_WIDTH + MARGIN
    height = max(y for _, y in places.values()) + BOX_HEIGHT + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        "<title>Who calls whom, and who tells whom what</title>",
        f"<style>{STYLE}</style>",
        HEAD,
        *(_arrow(edge, places) for edge in graph.edges),
    ]
    for name, (x, y) in places.items():
        parts.append(f'<rect x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"/>')
        middle = f'x="{x + BOX_WIDTH // 2}" y="{y + BOX_HEIGHT // 2}"'
        parts.append(f"<text {middle}>{escape(name)}</text>")
    return "\n".join([*parts, "</svg>"]) + "\n"


def _arrow(edge: Edge, places: Mapping[str, tuple[int, int]]) -> str:
    from_x, from_y = (it + half for it, half in zip(places[edge.source], _HALF, strict=True))
    to_x, to_y = (it + half for it, half in zip(places[edge.target], _HALF, strict=True))
    down = 1 if to_y > from_y else -1
    if to_y == from_y:
        # Beside each other: an arc over the row.
        start, end = (from_x, from_y - _HALF[1]), (to_x, to_y - _HALF[1])
        bend = f"C {start[0]} {start[1] - 50} {end[0]} {end[1] - 50}"
    else:
        shift = 12 if edge.kind == "events" else -12
        start = (from_x + shift, from_y + down * _HALF[1])
        end = (to_x + shift, to_y - down * _HALF[1])
        bend = f"C {start[0]} {start[1] + down * 45} {end[0]} {end[1] - down * 45}"
    title = escape(f"{edge.source} {edge.kind} {edge.target}: {', '.join(edge.what)}")
    return (
        f'<path class="{edge.kind}" marker-end="url(#arrow)" '
        f'd="M {start[0]} {start[1]} {bend} {end[0]} {end[1]}"><title>{title}</title></path>'
    )


_HALF = (BOX_WIDTH // 2, BOX_HEIGHT // 2)


def _places(graph: Graph) -> dict[str, tuple[int, int]]:
    rows = [layer for layer in reversed(graph.layers) if layer != (SHARED,)]
    widest = max(len(row) for row in rows)
    return {
        name: (
            MARGIN + at * COLUMN + (widest - len(row)) * COLUMN // 2,
            MARGIN + 30 + number * ROW,
        )
        for number, row in enumerate(rows)
        for at, name in enumerate(row)
    }


def _layers(needs: Mapping[str, set[str]]) -> Iterator[tuple[str, ...]]:
    sorter = TopologicalSorter(needs)
    sorter.prepare()
    while sorter.is_active():
        ready = sorter.get_ready()
        yield tuple(sorted(ready))
        sorter.done(*ready)
