import asyncio
import os
import sys
from pathlib import Path

from devtools.stack.health import Answer, CommandProbe, Probe, get


async def answer_with(text: bytes) -> tuple[asyncio.Server, int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readline()).split(b" ")[1]
        writer.write(text.replace(b"PATH", request))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, int(server.sockets[0].getsockname()[1])


async def test_an_answer_has_its_status_and_body() -> None:
    server, port = await answer_with(b"HTTP/1.1 503 Unavailable\r\n\r\nPATH")
    async with server:
        answer = await get(port, "/health/ready")
    assert (answer.status, answer.text, answer.is_good) == (503, "/health/ready", False)


async def test_our_own_services_tell_live_and_ready_apart() -> None:
    server, port = await answer_with(b"HTTP/1.1 200 OK\r\n\r\nPATH")
    async with server:
        answer = await Probe(port, "/health/ready").ready()
        assert answer.text == "/health/ready"
        assert await Probe(port, "/health/ready").is_alive(Answer(503, ""))


async def test_elsewhere_any_answer_means_alive() -> None:
    server, port = await answer_with(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
    async with server:
        answer = await Probe(port, "/gateway/live").ready()
        assert not answer.is_good
        assert await Probe(port, "/gateway/live").is_alive(answer)
        assert not await Probe(port, "/health/ready").is_alive(answer)


async def test_nobody_there_and_nonsense_are_no_answer() -> None:
    server, port = await answer_with(b"nonsense")
    async with server:
        assert (await get(port, "/")).status is None
    assert (await get(port, "/")).status is None


async def test_silence_is_given_up_on() -> None:
    hung_up = asyncio.Event()

    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        hung_up.set()

    server = await asyncio.start_server(silence, "127.0.0.1", 0)
    async with server, asyncio.timeout(60):
        answer = await get(server.sockets[0].getsockname()[1], "/", timeout=0.05)
        await hung_up.wait()
    assert answer.text == "no answer within 0.05 s"


def command(code: str, timeout: float = 60.0) -> CommandProbe:
    return CommandProbe([sys.executable, "-c", code], os.environ, Path(), timeout)


async def test_a_command_tells_health_by_its_exit_code() -> None:
    assert (await command("").ready()).is_good
    answer = await command("print('stale'); raise SystemExit(1)").ready()
    assert (answer.is_good, answer.text) == (False, "stale")
    answer = await command("raise SystemExit(3)").ready()
    assert answer.text == "its health command exits with 3"


async def test_a_command_that_hangs_is_no_answer() -> None:
    answer = await command("import time; time.sleep(600)", timeout=0.2).ready()
    assert answer.status is None
