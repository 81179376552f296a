"""Jars by Maven coordinates from a committed lock, verified by SHA-256, without Maven or Java.

The repository's address is jgo's constant for Maven Central; MAVEN_REPOSITORY_URL overrides it.
"""

import hashlib
import os
import re
import urllib.request
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from devtools.engines.recipe import EngineError
from devtools.engines.wheels import wheel_path

ATTEMPTS = 3
PARALLEL = 8
TIMEOUT = 60.0


@dataclass(frozen=True)
class Jar:
    """One artifact, `group:artifact:version[:classifier]`, and the SHA-256 of its jar in hex."""

    coordinates: str
    sha256: str

    @property
    def file_name(self) -> str:
        _, artifact, version, *classifier = self.coordinates.split(":")
        return "-".join([artifact, version, *classifier]) + ".jar"

    @property
    def url_path(self) -> str:
        group, artifact, version, *_ = self.coordinates.split(":")
        return f"{group.replace('.', '/')}/{artifact}/{version}/{self.file_name}"


def read_lock(lock: Path) -> list[Jar]:
    """The jars of a lock file: one `coordinates sha256` a line."""
    return [Jar(*line.split()) for line in lock.read_text().splitlines()]


def write_lock(lock: Path, jars: Iterable[Jar]) -> None:
    lines = sorted(f"{jar.coordinates} {jar.sha256}\n" for jar in jars)
    lock.write_text("".join(lines))


def missing(jars: Iterable[Jar], folder: Path) -> list[Jar]:
    """The jars that `folder` lacks. A file there is whole: it gets its name after verification."""
    return [jar for jar in jars if not (folder / jar.file_name).exists()]


def download(jars: list[Jar], folder: Path, progress: Callable[[str], None]) -> None:
    """Bring these jars into `folder`; EngineError for one that can't be had as locked."""
    folder.mkdir(parents=True, exist_ok=True)
    repository = repository_url()
    with ThreadPoolExecutor(PARALLEL) as pool:
        under_way = [pool.submit(_download, repository, jar, folder) for jar in jars]
        try:
            for done, result in enumerate(as_completed(under_way), start=1):
                result.result()
                progress(f"{done} of {len(jars)} jars")
        except EngineError:
            pool.shutdown(cancel_futures=True)
            raise


def repository_url() -> str:
    """The Maven repository to ask, without a slash at the end."""
    if asked := os.environ.get("MAVEN_REPOSITORY_URL"):
        return asked.rstrip("/")
    # Read, not imported: importing jgo brings its whole command line.
    constants = wheel_path("jgo", "jgo/constants.py").read_text()
    found = re.search(r'^MAVEN_CENTRAL_URL = "(.+)"$', constants, re.MULTILINE)
    if found is None:
        raise EngineError("jgo no longer names Maven Central: set MAVEN_REPOSITORY_URL.")
    return found[1].rstrip("/")


def _download(repository: str, jar: Jar, folder: Path) -> None:
    content = _content(f"{repository}/{jar.url_path}")
    digest = hashlib.sha256(content).hexdigest()
    if digest != jar.sha256:
        raise EngineError(
            f"{jar.file_name} is not what was locked ({digest[:12]}… instead of "
            f"{jar.sha256[:12]}…): is something between you and the Maven repository?"
        )
    partial = folder / f"{jar.file_name}.{os.getpid()}"
    try:
        partial.write_bytes(content)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise EngineError(f"{jar.file_name} can't be kept in {folder}: {error.strerror}") from error
    partial.rename(folder / jar.file_name)


def _content(url: str) -> bytes:
    reason = ""
    for _ in range(ATTEMPTS):
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:  # noqa: S310 - https or as asked
                content: bytes = answer.read()
                return content
        except OSError as error:
            reason = str(error)
    raise EngineError(f"The Maven repository gave no {url.rsplit('/', 1)[-1]}: {reason}")
