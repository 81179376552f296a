"""What back-websockets asks back-auth: whether a session stands, when the stream is silent."""

from uuid import UUID

import pytest

from shared.kit.auth.revocations import session_check
from shared.testing.pacts import ConsumerPact, exactly, reply, state

SID = UUID("50000000-0000-4000-8000-000000000001")
USER = UUID("a0000000-0000-4000-8000-000000000001")


@pytest.fixture(scope="module")
def pact() -> ConsumerPact:
    return ConsumerPact("back-websockets", "back-auth")


@pytest.mark.parametrize("active", [True, False])
async def test_whether_a_session_stands(pact: ConsumerPact, active: bool) -> None:
    word = "stands" if active else "has ended"
    async with pact.exchange(
        f"a session that {word}",
        given=[state(f"a session {word}", sid=SID, user_id=USER)],
        asks=f"GET /internal/sessions/{SID}",
        answers=reply(200, {"sid": exactly(SID), "user_id": USER, "active": exactly(active)}),
    ) as auth:
        assert await session_check(auth, "/internal/sessions")(SID) is active


def test_the_pact_is_kept(pact: ConsumerPact) -> None:
    pact.must_be_kept()
