"""Every pact with back-api: the events that its domains publish."""

from pathlib import Path

import pytest
from published_events import Published

from shared.testing.pacts import Provider
from shared.testing.pacts.provider import pacts_of


@pytest.mark.parametrize("pact", pacts_of("back-api"), ids=lambda path: path.stem)
async def test_keeps(pact: Path) -> None:
    await Provider("back-api", messages=Published().by_type()).keeps(pact)
