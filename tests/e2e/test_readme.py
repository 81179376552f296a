"""The shell blocks of README.md run in order, in one shell, against the stack."""

import asyncio
import os
import re
from pathlib import Path

from tests.stack import Mailbox, fresh_address

README = Path(__file__).resolve().parents[2] / "README.md"
SECTION = re.compile(r"^## Try it$(.*?)^## ", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECONDS = 60


async def test_the_first_flow_of_the_readme_works(base_url: str, mailbox: Mailbox) -> None:
    section = SECTION.search(README.read_text())
    assert section
    address = fresh_address()
    sign_up, *rest = [
        block.replace("http://127.0.0.1:8000", base_url)
        .replace("http://127.0.0.1:8025", mailbox.url)
        .replace("ada@example.org", address)
        for block in BLOCK.findall(section[1])
    ]
    assert await statuses(sign_up) == [202]
    await mailbox.first_to(address)
    assert await statuses("\n".join(rest)) == [200, 200, 201]


async def statuses(script: str) -> list[int]:
    """The statuses that `curl -i` prints while a shell runs the script."""
    shell = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", script),
        env=dict(os.environ),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(SECONDS):
            output, errors = await shell.communicate()
    finally:
        if shell.returncode is None:
            shell.kill()
    assert shell.returncode == 0, errors.decode()
    found = re.findall(r"HTTP/[\d.]+ (\d+) ", output.decode())
    return [int(status) for status in found]
