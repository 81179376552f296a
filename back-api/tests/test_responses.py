"""The store of responses: one suite for its fake, the adapter, and the real back-redis."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import UUID, uuid4

import pytest
from stub_services import StubServices

from features.idempotency.infrastructure import RedisResponses
from shared.kit.errors import Conflict
from shared.kit.http.context import correlated
from shared.kit.http.idempotency import ResponseStore
from shared.models.idempotency import (
    AbandonRequest,
    BeginRequest,
    FinishRequest,
    RequestState,
    StoredResponse,
)
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import Identities
from shared.testing.stack_client import stack_client

RESPONSE = StoredResponse(status=409, headers={"content-type": "text/plain"}, body="é")


@pytest.fixture(params=["fake", "adapter", pytest.param("real", marks=pytest.mark.real)])
async def responses(
    request: pytest.FixtureRequest, stubs: StubServices, keys: Identities
) -> AsyncIterator[ResponseStore]:
    async with AsyncExitStack() as stack:
        stack.enter_context(correlated(None))
        if request.param == "fake":
            yield stubs.responses
        elif request.param == "adapter":
            transport = AsgiTransport(stubs.apps()["back-redis"])
            yield RedisResponses(keys.client("back-api", "back-redis", transport))
        else:
            client = await stack.enter_async_context(stack_client("back-api", "back-redis"))
            yield RedisResponses(client)


def beginning(command_id: UUID | None = None, fingerprint: str = "a" * 64) -> BeginRequest:
    return BeginRequest(
        command_id=command_id or uuid4(), fingerprint=fingerprint, token=uuid4(), lease_seconds=30
    )


def finishing(begun: BeginRequest) -> FinishRequest:
    return FinishRequest(
        command_id=begun.command_id, user_id=uuid4(), token=begun.token, response=RESPONSE
    )


@pytest.mark.contract(consumer="back-api", provider="back-redis")
class TestResponses:
    async def test_one_holds_a_request(self, responses: ResponseStore) -> None:
        first = beginning()
        repeat, other = beginning(first.command_id), beginning(first.command_id, "b" * 64)
        assert await responses.begin(first) == RequestState(state="begun")
        assert await responses.begin(first) == RequestState(state="begun"), "the same token"
        assert await responses.begin(repeat) == RequestState(state="running")
        assert await responses.begin(other) == RequestState(state="reused")
        assert await responses.begin(beginning()) == RequestState(state="begun")

    async def test_a_response_is_stored_once(self, responses: ResponseStore) -> None:
        first = beginning()
        await responses.begin(first)
        await responses.finish(finishing(first))
        other = finishing(first).model_copy(
            update={"response": RESPONSE.model_copy(update={"status": 201})}
        )
        await responses.finish(other)
        await responses.abandon(AbandonRequest(command_id=first.command_id, token=first.token))
        for repeat in (first, beginning(first.command_id)):
            state = await responses.begin(repeat)
            assert state == RequestState(state="answered", response=RESPONSE)
        reused = await responses.begin(beginning(first.command_id, "b" * 64))
        assert reused == RequestState(state="reused")

    async def test_whoever_does_not_hold_it_stores_nothing(self, responses: ResponseStore) -> None:
        first, second = beginning(), beginning()
        await responses.begin(first)
        await responses.abandon(AbandonRequest(command_id=first.command_id, token=second.token))
        stolen = finishing(second).model_copy(update={"command_id": first.command_id})
        for finish in (finishing(second), stolen):
            with pytest.raises(Conflict) as raised:
                await responses.finish(finish)
            assert raised.value.code == "lease_lost"
        assert (await responses.begin(beginning(first.command_id))).state == "running"

    async def test_an_abandoned_one_begins_again(self, responses: ResponseStore) -> None:
        first = beginning()
        await responses.begin(first)
        await responses.abandon(AbandonRequest(command_id=first.command_id, token=first.token))
        assert (await responses.begin(beginning(first.command_id))).state == "begun"
