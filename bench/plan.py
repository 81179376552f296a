"""What a load generator is asked to send, and what it reports."""

import secrets

from pydantic import BaseModel, Field

CONNECTIONS = 12
"""Fewer than every service takes at once (`REQUESTS_MIN`), so that none may be refused."""


class Call(BaseModel):
    """One request. `{id}` in the body is its correlation id, which no other request has, and
    `{carried}` what the answer before held.
    """

    method: str = "GET"
    path: str
    headers: dict[str, str] = Field(default_factory=dict)
    body: str = ""


class Plan(BaseModel):
    """Requests for one address, in turn from `calls`.

    With a `rate` (a second) they are sent at fixed times, whether answers come or not; without one
    each of `connections` sends the next when the last was answered. `carry` names the field of an
    answer that the next request of the same call holds as `{carried}`; `carried` has the first
    ones. The live events of `sockets` are noted until `drain` seconds after the last answer.
    """

    base_url: str
    calls: list[Call]
    seconds: float
    rate: float = 0
    connections: int = CONNECTIONS
    connections_max: int = 2000
    timeout: float = 10
    correlation: str = Field(default_factory=lambda: f"bench-{secrets.token_hex(4)}")
    carry: str = ""
    carried: list[str] = Field(default_factory=list)
    sockets: list[str] = Field(default_factory=list)
    drain: float = 10


class Answer(BaseModel):
    """`due` is the Unix time that the request was to be sent at, `seconds` from then to the end of
    the answer; `status` is 0 where none came. `retry_after` is whether it says
    when to try again. `correlation` is that of the plan and a number.
    """

    correlation: str
    due: float
    seconds: float
    status: int
    retry_after: bool = False


class Outcome(BaseModel):
    """`received` has, by correlation id, when the first event of a request reached a socket and
    when it occurred (Unix times). `cpu_seconds` are the generator's own, `late` its longest delay
    between the time due and the sending, in seconds.
    """

    answers: list[Answer]
    received: dict[str, tuple[float, float]] = Field(default_factory=dict)
    cpu_seconds: float = 0
    late: float = 0

    @property
    def milliseconds(self) -> list[float]:
        """The latency of each answer."""
        return [answer.seconds * 1000 for answer in self.answers]
