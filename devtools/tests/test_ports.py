import os
import socket
from collections.abc import Iterator

import pytest

from devtools.stack import ports, preflight
from devtools.stack.layout import Layout
from devtools.tests.stub_stack import topology
from devtools.workspace.errors import DevError
from devtools.workspace.repository import Stack


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def test_a_port_with_a_listener_is_not_free(taken: int) -> None:
    assert not ports.is_free(taken)


def test_the_holder_is_named(taken: int) -> None:
    assert f"(process {os.getpid()})" in ports.holder(taken)


def test_a_port_that_nobody_holds_has_an_unknown_holder() -> None:
    assert ports.holder(1) == "another process"


def test_a_taken_port_is_refused_with_port_service_and_holder(stack: Stack, taken: int) -> None:
    shifted = Stack(stack.folder, taken - 8103)
    preflight.make_folder(shifted)
    it = topology(stack.folder)
    services = [Layout(it, shifted).local(it.services["back-postgres"])]
    with pytest.raises(DevError) as refused:
        preflight.check_ports(services)
    said = str(refused.value)
    assert f"port {taken}, which back-postgres needs, is taken by" in said
    assert f"(process {os.getpid()})" in said
    assert "end that one" in said
