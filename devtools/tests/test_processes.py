import asyncio

import pytest

from devtools.workspace.processes import all_of


async def test_all_of_ends_after_the_last_one_with_the_first_problem() -> None:
    failed, goes_on = asyncio.Event(), asyncio.Event()

    async def fails() -> int:
        failed.set()
        raise ValueError("first")

    async def ends_later() -> int:
        await goes_on.wait()
        return 1

    works = asyncio.create_task(all_of(fails(), ends_later()))
    await failed.wait()
    done, _ = await asyncio.wait([works], timeout=0)
    assert not done

    goes_on.set()
    with pytest.raises(ValueError, match="first"):
        await works
    assert await all_of(ends_later(), ends_later()) == [1, 1]
