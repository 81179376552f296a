"""Ports that nobody listens on."""

import socket
from contextlib import ExitStack


def free_ports(count: int) -> int:
    """The first of `count` free ports in a row."""
    while True:
        with ExitStack() as held:
            port = 0
            try:
                for number in range(count):
                    probe = held.enter_context(socket.socket())
                    probe.bind(("127.0.0.1", port + number if port else 0))
                    port = port or int(probe.getsockname()[1])
            except OSError:
                continue
            return port
