"""Who calls whom and who tells whom what, as text and Mermaid, with the order of a release."""

from collections import defaultdict
from collections.abc import Mapping
from graphlib import TopologicalSorter
from itertools import groupby

from devtools.contracts import fronts
from devtools.contracts.consistency import edges
from shared.testing.contracts.files import ContractFile, each_in

Files = Mapping[str, ContractFile]


def text(files: Files) -> str:
    """Calls and events by their source, and the order of a release, which has no cycle."""
    verbs = {"calls": "calls", "events": "tells"}
    lines = []
    for source, of_source in groupby(_connections(files).items(), lambda it: it[0][0]):
        lines.append(source)
        for (_, target, kind), what in of_source:
            lines += [f"  {verbs[kind]} {target}", *(f"    {it}" for it in what)]
    sorter = TopologicalSorter(edges(files))
    sorter.prepare()
    layers = []
    while sorter.is_active():
        ready = sorter.get_ready()
        layers.append(", ".join(sorted(ready)))
        sorter.done(*ready)
    lines += ["", f"release:  {' → '.join(layers)}", f"rollback: {' → '.join(reversed(layers))}"]
    return "\n".join(lines) + "\n"


def mermaid(files: Files) -> str:
    arrows = {"calls": "-->", "events": "-.->"}
    lines = ["flowchart LR"]
    for (source, target, kind), what in _connections(files).items():
        label = f"{len(what)} {kind.removesuffix('s') if len(what) == 1 else kind}"
        lines.append(f'  {source} {arrows[kind]}|"{label}"| {target}')
    return "\n".join(lines) + "\n"


def _connections(files: Files) -> dict[tuple[str, str, str], list[str]]:
    """What one service calls of another, or tells it, by source, target and kind."""
    found: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    delivered = {it.name: it.service for _, _, it in each_in(files, lambda it: it.consumers)}
    for _, _, endpoint in each_in(files, lambda it: it.endpoints):
        for caller in endpoint.callers:
            found[caller, endpoint.service, "calls"].add(f"{endpoint.method} {endpoint.path}")
    for file, _, it in each_in(files, lambda it: it.services):
        if fronts.is_front(it.name):
            for service in fronts.offering(file.contract) & file.contract.ranges_of(it.name).keys():
                found[it.name, service, "calls"] |= fronts.public_paths(file.contract, service)
    for _, _, event in each_in(files, lambda it: it.events):
        for name in event.consumers:
            found[event.publisher, delivered[name], "events"].add(f"{event.type} ({name})")
    for _, _, stream in each_in(files, lambda it: it.streams):
        for consumer in stream.consumers:
            found[stream.publisher, consumer, "events"].add(f"stream {stream.name}")
    return {key: sorted(found[key]) for key in sorted(found) if key[0] != key[1]}
