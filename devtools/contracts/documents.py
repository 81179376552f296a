"""The generated documents of one moment: of a revision, of the checkout, or of the models."""

import io
import json
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from devtools.contracts.reading import FOLDER, GENERATED, REGISTRY
from devtools.contracts.shapes import Schema
from devtools.workspace.errors import DevError


@dataclass(frozen=True)
class Documents:
    """What services agreed on at one moment, as the generated files say it."""

    openapi: Mapping[str, Schema]
    asyncapi: Schema
    constants: Mapping[str, Mapping[str, Mapping[str, object]]]
    contracts: Mapping[str, str]
    """The version of each contract."""
    shared: str
    """The version of shared."""

    @classmethod
    def of(cls, texts: Mapping[Path, str]) -> "Documents":
        """Read from the texts of the generated files by path."""
        asyncapi = json.loads(texts[GENERATED / "asyncapi.json"])
        tables = json.loads(texts[REGISTRY])
        return cls(
            openapi={
                path.stem: json.loads(text)
                for path, text in texts.items()
                if path.parent == GENERATED / "openapi"
            },
            asyncapi=asyncapi,
            constants=json.loads(texts[GENERATED / "constants.json"]),
            contracts={name: it["version"] for name, it in tables["contracts"].items()},
            shared=asyncapi["info"]["version"],
        )


def there(root: Path) -> Documents | None:
    """What the files in the checkout say; nothing before the first sync."""
    paths = [
        root / REGISTRY,
        *(root / GENERATED).glob("*.json"),
        *(root / GENERATED / "openapi").glob("*.json"),
    ]
    texts = {path.relative_to(root): path.read_text() for path in paths}
    return Documents.of(texts) if _complete(texts) else None


def at(root: Path, revision: str) -> Documents:
    """What a git revision says; DevError when there is no such revision, or nothing in it."""
    try:
        archive = _git(
            root, "archive", "--format=tar", revision, FOLDER.as_posix(), REGISTRY.as_posix()
        )
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        raise DevError(f"{revision} has no contracts to compare with: {said[-1]}") from None
    texts: dict[Path, str] = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar.getmembers():
            file = tar.extractfile(member)
            if file and PurePosixPath(member.name).suffix == ".json":
                texts[Path(member.name)] = file.read().decode()
    if not _complete(texts):
        raise DevError(
            f"{revision} has contracts and no documents made from them: take a later one"
        )
    return Documents.of(texts)


def last_release(root: Path) -> str | None:
    """The last tag `v*`, else the first commit with documents; None where git knows neither."""
    try:
        tag = _git(root, "describe", "--tags", "--abbrev=0", "--match", "v*").decode().strip()
    except (OSError, subprocess.CalledProcessError):
        tag = ""
    if tag:
        return tag
    folder = (GENERATED / "openapi").as_posix()
    try:
        log = _git(root, "log", "--reverse", "--format=%h", "--diff-filter=A", "--", folder)
    except (OSError, subprocess.CalledProcessError):
        return None
    return next(iter(log.decode().split()), None)


def _complete(texts: Mapping[Path, str]) -> bool:
    return all(
        it in texts for it in (REGISTRY, GENERATED / "asyncapi.json", GENERATED / "constants.json")
    )


def _git(root: Path, *arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)
    return done.stdout
