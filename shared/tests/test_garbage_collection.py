"""What a process made by its start is in no collection; run in processes of their own."""

import subprocess
import sys

import pytest

SERVED = """
import asyncio, gc
from shared.kit.http.app import Api
from shared.kit.http.middleware import RequestContext

def app():
    api = Api("notes", "1.0.0")
    api.add_middleware(RequestContext, deadline=1, body_max_bytes=1)
    return api

async def main():
    asked = asyncio.Queue()
    await asked.put({"type": "lifespan.startup"})
    async def send(message):
        print(message["type"], gc.get_freeze_count() > 10_000, gc.get_threshold()[0])
        await asked.put({"type": "lifespan.shutdown"})
    print("before", gc.get_freeze_count(), gc.get_threshold()[0])
    await app()({"type": "lifespan", "state": {}}, asked.get, send)

asyncio.run(main())
"""

WITHOUT_AN_APP = """
import gc
from shared.kit.runtime.event_loop import run

async def main():
    print(gc.get_freeze_count() > 1_000, gc.get_threshold()[0])

run(main())
"""


@pytest.mark.parametrize(
    "program, said",
    [
        (
            SERVED,
            [
                "before 0 700",
                "lifespan.startup.complete True 5000",
                "lifespan.shutdown.complete True 5000",
            ],
        ),
        (WITHOUT_AN_APP, ["True 5000"]),
    ],
)
def test_what_was_made_by_the_start_is_frozen(program: str, said: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == said
