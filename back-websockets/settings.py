"""The settings of this service."""

from typing import Literal

from pydantic import Field

from shared.kit import ServiceSettings


class Settings(ServiceSettings):
    """The numbers are those of the contract `live-notifications`.

    Message size, ping, idle time and the end of clients that do not read are the server's:
    UVICORN_WS_MAX_SIZE, UVICORN_WS_PING_INTERVAL, UVICORN_WS_PING_TIMEOUT, UVICORN_WS,
    UVICORN_WS_PER_MESSAGE_DEFLATE.
    """

    service: Literal["back-websockets"] = "back-websockets"
    port: int = 8102

    back_auth_url: str = "http://127.0.0.1:8101"
    back_redis_url: str = "http://127.0.0.1:8106"

    ticket_seconds: int = Field(default=30, gt=0)
    sockets_per_user: int = Field(default=20, gt=0)
    messages_per_second: int = Field(default=10, gt=0, description="from one user's sockets")
    socket_queue: int = Field(default=256, gt=0, description="events a socket may lag behind")
    socket_queue_bytes: int = Field(
        default=1_048_576, gt=0, description="of them together; and of those that were missed"
    )
    reconnect_spread_seconds: float = Field(
        default=5, ge=0, description="within which clients reconnect after a restart"
    )
