"""One contract beside the slices, documents and real apps of its services."""

from collections.abc import Iterator
from difflib import unified_diff

from devtools.contracts import app_documents, generated_files, slices
from devtools.contracts.check import Tree, differences
from devtools.workspace.errors import DevError
from shared.testing.contracts.files import ContractFile


async def lines(tree: Tree, feature: str) -> list[str]:
    """What differs, service by service; DevError for a feature that has no contract."""
    file = tree.contracts.get(feature)
    if file is None:
        known = ", ".join(tree.contracts)
        raise DevError(f"there is no contract {feature}; there are: {known}")
    here = [name for name in file.contract.participants if name in tree.services]
    serving = {it.service for it in file.contract.endpoints} & set(here)
    found = await app_documents.apps(tree.root, serving)
    own = tuple(f"{it.method} {it.path}{end}" for it in file.contract.endpoints for end in ": ")
    said = [f"{feature} {file.contract.version} ({file.path})"]
    for service in file.contract.participants:
        if service not in tree.services:
            said.append(f"{service}: has no code yet")
            continue
        differing = list(_slice(tree, file, service))
        if service in found:
            real = differences(tree, service, found[service].openapi, file.path)
            differing += [it.what for it in real if it.what.startswith(own)]
        said.append(f"{service}: {'differs' if differing else 'as agreed'}")
        said += [f"  {line}" for line in differing]
    return said


def _slice(tree: Tree, file: ContractFile, service: str) -> Iterator[str]:
    path = generated_files.slice_path(service, file.contract.name)
    if not (tree.root / path).exists():
        yield f"{path} is missing: run ./dev contracts sync"
        return
    yield from unified_diff(
        slices.render(file, service).splitlines(),
        (tree.root / path).read_text().splitlines(),
        fromfile=f"{path} by the contract",
        tofile=str(path),
        lineterm="",
        n=1,
    )
