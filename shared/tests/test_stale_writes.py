import pytest

from shared.kit.errors import Conflict
from shared.kit.stale_writes import TRIES, again_when_stale


class Write:
    """Meets `conflicts`, one a call, then succeeds."""

    def __init__(self, *conflicts: str) -> None:
        self.conflicts = list(conflicts)
        self.calls = 0

    async def __call__(self) -> int:
        self.calls += 1
        if self.conflicts:
            raise Conflict(code=self.conflicts.pop(0))
        return self.calls


async def test_a_stale_write_is_done_again() -> None:
    assert await again_when_stale(Write(*["stale_version"] * (TRIES - 1))) == TRIES


@pytest.mark.parametrize(
    "conflicts, calls", [(["stale_version"] * TRIES, TRIES), (["profile_exists"], 1)]
)
async def test_it_ends_after_its_tries_and_at_any_other_conflict(
    conflicts: list[str], calls: int
) -> None:
    write = Write(*conflicts)
    with pytest.raises(Conflict, match=conflicts[0]):
        await again_when_stale(write)
    assert write.calls == calls
