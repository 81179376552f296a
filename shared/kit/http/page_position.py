"""The opaque cursor of every list that is sorted by a moment and an id, newest first."""

import base64
import binascii
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self, TypeVar
from uuid import UUID

from shared.kit.errors import InvalidRequest

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FORM = struct.Struct(">q16s")
_NEWEST_ID = UUID(int=2**128 - 1)

Item = TypeVar("Item")


def microseconds_of(moment: datetime) -> int:
    """The moment in microseconds since 1970, without rounding."""
    return (moment - _EPOCH) // _MICROSECOND


def instant_of(microseconds: int) -> datetime:
    return _EPOCH + microseconds * _MICROSECOND


def day_of(microseconds: int) -> date:
    """The day in UTC."""
    return instant_of(microseconds).date()


@dataclass(frozen=True)
class PagePosition:
    """The position after the item of `moment` (microseconds since 1970) and `item_id`."""

    moment: int
    item_id: UUID

    @classmethod
    def before_day(cls, day: date) -> Self:
        """After all items of `day`."""
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return cls(microseconds_of(start) - 1, _NEWEST_ID)

    @classmethod
    def after(cls, moment: datetime, item_id: UUID) -> Self:
        return cls(microseconds_of(moment), item_id)

    @property
    def instant(self) -> datetime:
        return instant_of(self.moment)

    @classmethod
    def from_cursor(cls, cursor: str) -> Self:
        """Decode what `cursor` made. Raises InvalidRequest `cursor_invalid` for anything else."""
        try:
            moment, item_id = _FORM.unpack(base64.b64decode(cursor, altchars=b"-_", validate=True))
            day_of(moment)
        except (binascii.Error, struct.error, ValueError, OverflowError) as error:
            raise InvalidRequest("The cursor is invalid.", code="cursor_invalid") from error
        position = cls(moment, UUID(bytes=item_id))
        if position.cursor() != cursor:
            raise InvalidRequest("The cursor is invalid.", code="cursor_invalid")
        return position

    def cursor(self) -> str:
        """The position as an opaque text that is safe in a URL."""
        return base64.urlsafe_b64encode(_FORM.pack(self.moment, self.item_id.bytes)).decode()


END = PagePosition(microseconds_of(datetime.max.replace(tzinfo=UTC)), _NEWEST_ID)
"""The position before the newest possible item."""


def position_of(cursor: str | None) -> PagePosition:
    """The position of a page before `cursor`, END without one. Raises as `from_cursor`."""
    return END if cursor is None else PagePosition.from_cursor(cursor)


def page_of(
    found: Sequence[Item], limit: int, position: Callable[[Item], PagePosition]
) -> tuple[list[Item], str | None]:
    """The first `limit` of `found`, and the cursor after them if `found` has more."""
    if len(found) <= limit:
        return [*found], None
    return [*found[:limit]], position(found[limit - 1]).cursor()
