"""What services agreed on at one moment: of a git revision, of the checkout, or of the models."""

import io
import json
import subprocess
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from devtools.contracts.document_shapes import Schema
from devtools.workspace.errors import DevError
from shared.testing.contracts.files import FOLDER, GENERATED
from shared.testing.yaml_source import load

ASYNCAPI = GENERATED / "asyncapi.json"


@dataclass(frozen=True)
class Documents:
    """Documents, numbers and versions of one moment."""

    openapi: Mapping[str, Schema]
    asyncapi: Schema
    numbers: Mapping[str, Mapping[str, object]]
    """The numbers of each contract."""
    contracts: Mapping[str, str]
    """The version of each contract."""
    shared: str
    """The version of shared."""

    @classmethod
    def of(cls, texts: Mapping[Path, str]) -> "Documents":
        """Read from the texts of contracts and generated files by path."""
        asyncapi = json.loads(texts[ASYNCAPI])
        contracts = [
            load(text) for path, text in texts.items() if path.match(f"{FOLDER}/*/feature.yaml")
        ]
        return cls(
            openapi={
                path.stem: json.loads(text)
                for path, text in texts.items()
                if path.parent == GENERATED / "openapi"
            },
            asyncapi=asyncapi,
            numbers={
                it["name"]: {name: _value(said) for name, said in it.get("numbers", {}).items()}
                for it in contracts
            },
            contracts={it["name"]: it["version"] for it in contracts},
            shared=asyncapi["info"]["version"],
        )


def there(root: Path) -> Documents | None:
    """What the files in the checkout say; nothing before the first sync."""
    folders = [root / GENERATED, root / GENERATED / "openapi"]
    paths = [
        *(root / FOLDER).glob("*/feature.yaml"),
        *(path for folder in folders for path in folder.glob("*.json")),
    ]
    texts = {path.relative_to(root): path.read_text() for path in paths}
    return Documents.of(texts) if ASYNCAPI in texts else None


def at(root: Path, revision: str) -> Documents:
    """What a git revision says; DevError when there is no such revision, or nothing in it."""
    try:
        archive = _git(root, "archive", "--format=tar", revision, FOLDER.as_posix())
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        raise DevError(f"{revision} has no contracts to compare with: {said[-1]}") from None
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar, TemporaryDirectory() as folder:
        tar.extractall(folder, filter="data")
        documents = there(Path(folder))
    if documents is None:
        raise DevError(
            f"{revision} has contracts and no documents made from them: take a later one"
        )
    return documents


def last_release(root: Path) -> str | None:
    """The last tag `v*`, else the first commit with documents; None where git knows neither."""
    folder = (GENERATED / "openapi").as_posix()
    for asked in (
        ("describe", "--tags", "--abbrev=0", "--match", "v*"),
        ("log", "--reverse", "--format=%h", "--diff-filter=A", "--", folder),
    ):
        with suppress(OSError, subprocess.CalledProcessError):
            if said := _git(root, *asked).decode().split():
                return said[0]
    return None


def _value(number: object) -> object:
    return number["value"] if isinstance(number, dict) else number


def _git(root: Path, *arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)
    return done.stdout
