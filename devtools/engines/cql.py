"""The part of CQL's native protocol (version 4) that logs in and runs a statement.

A driver would cost a second to import and connect; this asks a starting node in a millisecond.
"""

import socket
import struct
from typing import Self

VERSION = 4
ERROR, STARTUP, READY, AUTHENTICATE, QUERY, RESULT = 0x00, 0x01, 0x02, 0x03, 0x07, 0x08
AUTH_RESPONSE, AUTH_SUCCESS = 0x0F, 0x10
CONSISTENCY_ONE = 1
BAD_CREDENTIALS = 0x0100
HEADER = struct.Struct(">BBhBi")


class CqlError(Exception):
    """The node's refusal; `code` is the protocol's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Connection:
    """A logged-in connection to a node on this machine. Raises OSError and CqlError."""

    def __init__(self, port: int, user: str, password: str, timeout: float = 2.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        try:
            self._log_in(user, password)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def run(self, statement: str) -> None:
        """Run a statement whose result does not matter."""
        text = statement.encode()
        self._ask(
            QUERY, struct.pack(">i", len(text)) + text + struct.pack(">HB", CONSISTENCY_ONE, 0)
        )

    def _log_in(self, user: str, password: str) -> None:
        version = _string("CQL_VERSION") + _string("3.0.0")
        if self._ask(STARTUP, struct.pack(">H", 1) + version) == AUTHENTICATE:
            token = f"\0{user}\0{password}".encode()
            self._ask(AUTH_RESPONSE, struct.pack(">i", len(token)) + token)

    def _ask(self, opcode: int, body: bytes) -> int:
        self._socket.sendall(HEADER.pack(VERSION, 0, 0, opcode, len(body)) + body)
        _, _, _, answer, length = HEADER.unpack(self._read(HEADER.size))
        content = self._read(length)
        if answer == ERROR:
            code, size = struct.unpack_from(">iH", content)
            raise CqlError(code, content[6 : 6 + size].decode(errors="replace"))
        return int(answer)

    def _read(self, size: int) -> bytes:
        content = b""
        while len(content) < size:
            part = self._socket.recv(size - len(content))
            if not part:
                raise ConnectionResetError("the node closed the connection")
            content += part
        return content


def _string(text: str) -> bytes:
    return struct.pack(">H", len(text.encode())) + text.encode()
