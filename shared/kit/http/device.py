"""The device that a request comes from, as sessions and the audit log name it."""

import unicodedata

from fastapi.requests import HTTPConnection

from shared.models.base import DEVICE_MAX_LENGTH


def client_device(connection: HTTPConnection) -> str:
    """The User-Agent as one line of at most 200 characters; empty where there is none."""
    agent = connection.headers.get("user-agent", "")
    visible = (" " if unicodedata.category(it).startswith(("C", "Z")) else it for it in agent)
    return " ".join("".join(visible).split())[:DEVICE_MAX_LENGTH].rstrip()
