from datetime import UTC, datetime
from uuid import uuid4

import pytest

from shared.kit.errors import InvalidRequest
from shared.kit.http.page_position import END, PagePosition, instant_of, microseconds_of


class TestPosition:
    @pytest.mark.parametrize(
        "moment",
        [
            datetime(2026, 11, 21, 12, 0, 0, 123457, tzinfo=UTC),
            datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
            datetime.min.replace(tzinfo=UTC),
            datetime.max.replace(tzinfo=UTC),
        ],
    )
    def test_a_cursor_holds_the_position_without_rounding(self, moment: datetime) -> None:
        position = PagePosition(microseconds_of(moment), uuid4())

        read = PagePosition.from_cursor(position.cursor())

        assert read == position
        assert instant_of(read.moment) == moment

    def test_a_cursor_is_safe_in_a_url(self) -> None:
        assert END.cursor().replace("_", "").replace("-", "").isalnum()

    @pytest.mark.parametrize(
        "cursor", ["", "x", "ñ", "not a cursor", "A" * 31, "f" * 32, "A" * 32 + "=", "A" * 5000]
    )
    def test_garbage_is_refused(self, cursor: str) -> None:
        with pytest.raises(InvalidRequest) as refused:
            PagePosition.from_cursor(cursor)
        assert refused.value.code == "cursor_invalid"
