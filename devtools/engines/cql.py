"""The part of CQL's native protocol (version 4) that logs in and runs a statement.

A driver would cost a second to import and connect; this asks a starting node in a millisecond.
"""

import socket
import struct

VERSION = 4
ERROR, STARTUP, AUTHENTICATE, QUERY, AUTH_RESPONSE = 0x00, 0x01, 0x03, 0x07, 0x0F
CONSISTENCY_ONE = 1
BAD_CREDENTIALS = 0x0100
HEADER = struct.Struct(">BBhBi")


class CqlError(Exception):
    """The node's refusal; `code` is the protocol's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def run(port: int, user: str, password: str, statement: str = "", timeout: float = 2.0) -> None:
    """Log in to a node of this machine and run a statement, if any. Raises OSError and CqlError."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=timeout) as node,
        node.makefile("rb") as answers,
    ):

        def read(size: int) -> bytes:
            content = answers.read(size)
            if len(content) < size:
                raise ConnectionResetError("the node closed the connection")
            return content

        def ask(opcode: int, body: bytes) -> int:
            node.sendall(HEADER.pack(VERSION, 0, 0, opcode, len(body)) + body)
            _, _, _, answer, length = HEADER.unpack(read(HEADER.size))
            content = read(length)
            if answer == ERROR:
                code, size = struct.unpack_from(">iH", content)
                raise CqlError(code, content[6 : 6 + size].decode(errors="replace"))
            return int(answer)

        options = b"".join(struct.pack(">H", len(it)) + it for it in (b"CQL_VERSION", b"3.0.0"))
        if ask(STARTUP, struct.pack(">H", 1) + options) == AUTHENTICATE:
            ask(AUTH_RESPONSE, _long(f"\0{user}\0{password}"))
        if statement:
            ask(QUERY, _long(statement) + struct.pack(">HB", CONSISTENCY_ONE, 0))


def _long(text: str) -> bytes:
    return struct.pack(">i", len(text.encode())) + text.encode()
