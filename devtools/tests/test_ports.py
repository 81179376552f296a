import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from devtools.stack import preflight
from devtools.stack.layout import Layout
from devtools.stack.process import MARKER
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
    assert not preflight.is_free(taken)


def test_the_holder_is_named(taken: int) -> None:
    assert f"(process {os.getpid()})" in preflight.holder(taken)


@pytest.mark.parametrize(
    "folder,named",
    [
        ("/srv/ada/tools/.run", "stack in /srv/ada/tools"),
        ("/b/.run/stacks/two", "stack two in /b"),
    ],
)
def test_the_clone_whose_stack_holds_it_is_named(folder: str, named: str) -> None:
    code = (
        "import socket, sys; it = socket.create_server(('127.0.0.1', 0)); "
        "print(it.getsockname()[1], flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env={MARKER: folder},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        said = preflight.holder(int(process.stdout.readline()))
        process.kill()
    assert said.endswith(f"(process {process.pid}) of the {named}")


def test_a_process_without_environment_is_told_by_its_siblings() -> None:
    listen = "import socket, sys; it = socket.create_server(('127.0.0.1', 0)); "
    listen += "print(it.getsockname()[1], flush=True); sys.stdin.read()"
    supervisor = (
        "import subprocess, sys; "
        f"a = subprocess.Popen(['sleep', '60'], env={{'{MARKER}': '/clones/tools/.run'}}); "
        f"b = subprocess.run([sys.executable, '-c', {listen!r}], env={{}}); a.kill()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", supervisor], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        said = preflight.holder(int(process.stdout.readline()))
        process.communicate()
    assert said.endswith("of the stack in /clones/tools")


def test_a_port_that_nobody_holds_has_an_unknown_holder() -> None:
    assert preflight.holder(1) == "another process"


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
    assert "./dev up --port-offset 1000" in said
