"""Context, token buckets, settings, server-sent events, models and the contract registry."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4, uuid5

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.kit.contract_registry import contract_registry
from shared.kit.http import context
from shared.kit.http.context import Trace
from shared.kit.http.server_sent_events import ServerSentEvent, parse_events
from shared.kit.http.token_buckets import LocalTokenBuckets
from shared.kit.runtime.settings import SecretMissing, ServiceSettings
from shared.models.auth import ReturnedTokens, TokenBucket
from shared.models.event import Command, NewEvent, Nothing
from shared.models.profile import ProfileUpdate
from shared.models.registration import UserRegistered
from shared.models.user import EmailAddress


class TestNames:
    @pytest.mark.parametrize(
        "name",
        [
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "\U0001f469\u200d\U0001f4bb",
            "\u5c71\u7530\u3000\u592a\u90ce",
        ],
        ids=["Persian", "joined emoji", "ideographic space"],
    )
    def test_with_joiners_and_wide_spaces_are_taken(self, name: str) -> None:
        assert ProfileUpdate(first_name=name).first_name == name

    @pytest.mark.parametrize(
        "name",
        ["two\nlines", "\u2028", "bell\x07", "\u202eright to left", "\u200d", " \u200b "],
    )
    def test_that_break_a_line_or_show_nothing_are_refused(self, name: str) -> None:
        with pytest.raises(ValidationError):
            ProfileUpdate(first_name=name)


class TestTrace:
    def test_goes_on_below_a_parent(self) -> None:
        parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        child = Trace.continued(parent)
        assert child.traceparent.startswith("00-0af7651916cd43dd8448eb211c80319c-")
        assert child.traceparent.endswith("-01")
        assert child.span_id != "b7ad6b7169203331"

    @pytest.mark.parametrize(
        "given",
        [
            None,
            "",
            "garbage",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        ],
    )
    def test_begins_anew_where_the_parent_is_malformed(self, given: str | None) -> None:
        assert "0af7651916cd43dd8448eb211c80319c" not in Trace.continued(given).traceparent


class TestContext:
    def test_belongs_to_the_work_at_hand(self) -> None:
        assert context.correlation_id() == ""
        assert context.trace() is None
        assert context.remaining() is None
        with context.correlated("outer-correlation", deadline=5):
            with context.correlated("inner-correlation"):
                assert context.correlation_id() == "inner-correlation"
                assert context.remaining() is None
            assert context.correlation_id() == "outer-correlation"
        assert context.correlation_id() == ""


def bucket(key: str, *, capacity: int = 1) -> TokenBucket:
    return TokenBucket(limit="l", key=key, capacity=capacity, window_seconds=10)


class TestLocalTokenBuckets:
    @pytest.fixture
    def clock(self) -> list[float]:
        return [0.0]

    def test_refill_evenly(self, clock: list[float]) -> None:
        buckets, a = LocalTokenBuckets(clock=lambda: clock[0]), bucket("a", capacity=2)
        assert [buckets.take(a).remaining, buckets.take(a).remaining] == [1, 0]
        refused = buckets.take(a)
        assert not refused.allowed
        assert refused.retry_after == pytest.approx(5)
        assert buckets.take(bucket("b", capacity=2)).allowed
        clock[0] = 5
        assert buckets.take(a).allowed
        assert not buckets.take(a).allowed

    def test_are_taken_from_all_together_or_from_none(self, clock: list[float]) -> None:
        buckets = LocalTokenBuckets(clock=lambda: clock[0])
        small, large = bucket("small", capacity=1), bucket("large", capacity=3)
        assert buckets.take(small, large).remaining == 0
        for _ in range(9):
            refused = buckets.take(large, small)
            assert not refused.allowed
            assert refused.retry_after == pytest.approx(10)
        assert buckets.take(large).remaining == 1

    def test_get_tokens_back_up_to_their_capacity(self, clock: list[float]) -> None:
        buckets, a = LocalTokenBuckets(clock=lambda: clock[0]), bucket("a", capacity=3)
        for _ in range(3):
            buckets.take(a)
        buckets.give_back(ReturnedTokens(limit="l", key="a", tokens=1))
        assert buckets.take(a).remaining == 0
        buckets.give_back(ReturnedTokens(limit="l", key="a"))
        assert buckets.take(a).remaining == 2
        buckets.give_back(ReturnedTokens(limit="l", key="a", tokens=9))
        assert buckets.take(a).remaining == 2

    def test_are_bounded_in_number(self, clock: list[float]) -> None:
        buckets = LocalTokenBuckets(kept=3, clock=lambda: clock[0])
        for key in "abc":
            buckets.take(bucket(key))
        clock[0] = 10
        buckets.take(bucket("d"))
        assert set(buckets._levels) == {("l", "d")}, "full buckets are forgotten first"
        for key in "efg":
            buckets.take(bucket(key))
        assert len(buckets._levels) == 3


class TestSettings:
    def test_find_secrets(self, settings: ServiceSettings) -> None:
        assert settings.secret("identity.key").startswith("-----BEGIN")
        with pytest.raises(SecretMissing, match=r"postgres\.password"):
            settings.secret("postgres.password")

    def test_a_variable_that_is_set_to_nothing_is_not_set(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("BODY_MAX_BYTES", "")
        settings = ServiceSettings(
            service="back-test", port=1, secrets_dir=tmp_path, public_keys_dir=tmp_path
        )
        assert settings.body_max_bytes == 1_048_576

    def test_are_frozen(self, settings: ServiceSettings) -> None:
        with pytest.raises(ValidationError):
            setattr(settings, "port", 1)  # noqa: B010  (mypy knows that it can't be set)


class TestServerSentEvents:
    async def test_survive_any_cut(self) -> None:
        events = [
            ServerSentEvent("entry", '{"a":\n1}', "1-0"),
            ServerSentEvent("heartbeat", "{}"),
            ServerSentEvent("entry", "ü", "2-0"),
        ]
        wire = b"".join(event.encode() for event in events)
        for size in (1, 2, 3, 7, len(wire)):

            async def chunks(size: int = size) -> AsyncIterator[bytes]:
                for start in range(0, len(wire), size):
                    await asyncio.sleep(0)  # noqa: TID251 - lets the other task run
                    yield wire[start : start + size]

            assert [event async for event in parse_events(chunks())] == events


class TestModels:
    @pytest.mark.parametrize(
        "given, taken",
        [
            (" Ada@Example.ORG ", "ada@example.org"),
            ("a.b+c@sub.example.co", "a.b+c@sub.example.co"),
        ],
    )
    def test_addresses_are_kept_in_lower_case(self, given: str, taken: str) -> None:
        assert TypeAdapter(EmailAddress).validate_python(given) == taken

    @pytest.mark.parametrize(
        "given",
        [
            "a@b",
            "a@@b.co",
            ".a@b.co",
            "a@-b.co",
            "a" * 65 + "@b.co",
            "a@b.co\n",
            "a b@c.co",
            "é@b.co",
            "a@b.co, c@d.co",
        ],
    )
    def test_what_is_no_address(self, given: str) -> None:
        if given.endswith("\n"):
            assert TypeAdapter(EmailAddress).validate_python(given) == "a@b.co"
            return
        with pytest.raises(ValidationError):
            TypeAdapter(EmailAddress).validate_python(given)

    def test_an_event_is_named_by_its_command(self) -> None:
        command_id, user_id = uuid4(), uuid4()
        made = [
            NewEvent.of(
                "user.registered",
                UserRegistered(user_id=user_id),
                aggregate_id=user_id,
                command_id=command_id,
                correlation_id="c",
            ).envelope
            for _ in range(2)
        ]
        assert made[0].event_id == made[1].event_id

    def test_a_command_with_its_event_has_one_id(self) -> None:
        user_id = uuid4()
        first, second = (
            Command.with_event(
                "user.registered",
                UserRegistered(user_id=user_id),
                data=Nothing(),
                aggregate_id=user_id,
                correlation_id="c",
                expected_version=3,
            )
            for _ in range(2)
        )
        assert first.command_id != second.command_id
        assert first.expected_version == 3
        [event] = first.events
        assert event.aggregate_id == user_id
        assert event.envelope.event_id == uuid5(first.command_id, "user.registered")

    def test_an_update_says_something(self) -> None:
        with pytest.raises(ValidationError):
            ProfileUpdate()
        assert ProfileUpdate(company=None).model_fields_set == {"company"}


class TestTables:
    def test_answer_who_may_call_whom(self) -> None:
        assert contract_registry().callers_of("back-postgres", "users:write") == {"back-api"}
        calls = contract_registry().calls("back-workers", "back-redis")
        assert calls
        assert calls.fullmatch("POST /live/events")
        assert not calls.fullmatch("POST /live/events/more")
        assert contract_registry().calls("back-postgres", "back-redis") is None

    def test_route_every_event_to_somebody(self) -> None:
        assert all(contract_registry().routing.values())

    def test_stand_beside_their_contracts(self) -> None:
        folder = Path(__file__).parents[1] / "contracts"
        names = {path.parent.name for path in folder.glob("*/feature.yaml")}
        assert names == set(contract_registry().contracts)
