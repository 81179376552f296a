"""Imports of libraries without what they prepare for uses that a service seldom has.

Both preparations are a tenth of the processor time of a service's start.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import BaseModel, ConfigDict


@contextmanager
def no_certificate_authorities() -> Iterator[None]:
    """For aiohttp, which reads all that the machine trusts, for calls without a context of their
    own. What it gets in their place trusts nobody, so such a call by TLS fails.
    """
    with _replaced(ssl, "create_default_context", _trusting_nobody):
        yield


@contextmanager
def models_built_at_first_use() -> Iterator[None]:
    """For FastAPI, most of whose models are for OpenAPI documents."""
    with _replaced(BaseModel, "model_config", ConfigDict(defer_build=True)):
        yield


def _trusting_nobody() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@contextmanager
def _replaced(owner: object, name: str, value: object) -> Iterator[None]:
    before = vars(owner)[name]
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
