import random
import socket
from pathlib import Path

import pytest

from devtools.tests.contract_tree import Copy, remember_documents
from devtools.workspace.repository import Stack

_PORTS = (8100, 8103, 8109)


def free_offset() -> int:
    """A shift at which every port of the stub stack is free."""
    offsets = range(4_000, 24_000, 137)  # below the ports that the kernel gives to clients
    for offset in random.sample(offsets, len(offsets)):  # other runs look for ports too
        sockets = [socket.socket() for _ in _PORTS]
        try:
            for it, port in zip(sockets, _PORTS, strict=True):
                it.bind(("127.0.0.1", port + offset))
        except OSError:
            continue
        finally:
            for it in sockets:
                it.close()
        return offset
    raise RuntimeError("no free ports")


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.chdir(tmp_path)
    return Stack(tmp_path / "run", free_offset())


@pytest.fixture(scope="session")
def repository_copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    remember_documents()
    made = Copy.of_the_repository(tmp_path_factory.mktemp("repository"))
    made.sync()
    return made


@pytest.fixture
def copy(repository_copy: Copy, tmp_path: Path) -> Copy:
    return repository_copy.again(tmp_path / "copy")
