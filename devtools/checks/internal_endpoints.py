"""No endpoint of a service that only services may call stands open.

`./dev contracts check` compares the guards of each real app with its contracts.
"""

import re
from collections.abc import Iterator

import yaml

from devtools.checks.tree import Finding, Tree


def internal_endpoints(tree: Tree) -> Iterator[Finding]:
    """Each endpoint of a service that kong.yml does not route asks for a scope."""
    routed = set(re.findall(r"//([\w-]+):\d", (tree.root / "back-gateway/kong.yml").read_text()))
    for path in sorted((tree.root / "shared" / "contracts").glob("*/feature.yaml")):
        text = path.read_text()
        for it in yaml.safe_load(text).get("endpoints", []):
            if it["service"] not in routed and not it.get("scope"):
                what = (
                    f"{it['method']} {it['path']} of {it['service']} lets in everybody. Give it a "
                    "scope and callers here, and its route calls_with_scope(…)."
                )
                yield Finding.at(path, text, text.index(it["path"]), what)
