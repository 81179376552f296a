"""No endpoint of a service that only services may call stands open.

What an app really offers is compared with these documents, guards included, by
./dev contracts check.
"""

import json
from collections.abc import Iterator

from devtools.checks.homes import DATA_SERVICES
from devtools.checks.tree import Finding, Tree

DOCUMENTS = "shared/contracts/generated/openapi"
INTERNAL = (*DATA_SERVICES, "back-workers")


def internal_endpoints_guarded(tree: Tree) -> Iterator[Finding]:
    """Each operation of an internal service asks for a service's identity and a scope."""
    for path in sorted((tree.root / DOCUMENTS).glob("*.json")):
        if path.stem not in INTERNAL:
            continue
        text = path.read_text()
        for address, operations in json.loads(text)["paths"].items():
            if address.startswith("/health"):
                continue
            for method, operation in operations.items():
                if not any(it.get("service") for it in operation.get("security", [])):
                    yield Finding(
                        path,
                        text.count("\n", 0, text.index(f'"{address}"')) + 1,
                        f"{method.upper()} {address} of {path.stem} lets in everybody. Give the "
                        "endpoint a scope and callers in shared/contracts/<feature>/feature.yaml, "
                        "and its route calls_with_scope(…).",
                    )
