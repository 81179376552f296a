"""Requests over a real network, and into an app in memory: both must look the same."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from shared.kit.http.transport import ConnectFailed, ConnectionBroke, HttpTransport, Transport
from shared.kit.http.transport import Request as Outgoing
from shared.models.base import now
from shared.models.health import Live
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import Identities
from shared.testing.stack_client import stack_client
from shared.testing.uvicorn_server import served


def echo() -> FastAPI:
    app = FastAPI()

    @app.api_route("/echo/{rest:path}", methods=["GET", "POST"])
    async def _echo(request: Request, rest: str) -> Response:
        body = f"{request.method} {rest} {request.url.query} ".encode() + await request.body()
        return Response(body, 201, {"X-Seen": request.headers.get("x-sent", "")})

    @app.get("/slow")
    async def slow() -> None:
        await asyncio.sleep(30)  # noqa: TID251 - hangs

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def body() -> AsyncIterator[bytes]:
            yield b"one"
            await asyncio.sleep(0.02)  # noqa: TID251 - the delay is what is tested
            yield b"two"

        return StreamingResponse(body())

    @app.get("/stall")
    async def stall() -> StreamingResponse:
        async def body() -> AsyncIterator[bytes]:
            yield b"one"
            await asyncio.sleep(30)  # noqa: TID251 - hangs

        return StreamingResponse(body())

    @app.get("/broken")
    async def broken() -> None:
        raise ValueError("broken")

    return app


@pytest.fixture(params=["network", "memory"])
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[Transport]:
    if request.param == "memory":
        yield AsgiTransport(echo())
        return
    async with served(echo()) as url:
        found = HttpTransport(url)
        await found.open()
        yield found
        await found.close()


class TestTransports:
    async def test_carry_method_path_query_headers_and_body(self, transport: Transport) -> None:
        request = Outgoing(
            "POST", "/echo/a%2Fb", {"q": "ü &"}, {"X-Sent": "1", "Content-Length": "2"}, b"hi"
        )
        reply = await transport.send(request, timeout=20)
        assert reply.status == 201
        assert reply.body == b"POST a/b q=%C3%BC+%26 hi"
        assert reply.headers["x-seen"] == "1"

    async def test_give_up_in_time(self, transport: Transport) -> None:
        with pytest.raises(TimeoutError):
            await transport.send(Outgoing("GET", "/slow"), timeout=0.05)

    async def test_stream(self, transport: Transport) -> None:
        async with transport.stream(Outgoing("GET", "/stream"), silence=20) as reply:
            assert reply.status == 200
            assert b"".join([chunk async for chunk in reply.chunks]) == b"onetwo"

    async def test_notice_silence(self, transport: Transport) -> None:
        async with transport.stream(Outgoing("GET", "/stall"), silence=3) as reply:
            with pytest.raises(TimeoutError):
                _ = [chunk async for chunk in reply.chunks]


class TestStackClient:
    async def test_finds_its_address_and_its_identity(
        self, keys: Identities, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with served(users()) as url:
            monkeypatch.setenv("BACK_POSTGRES_URL", url)
            monkeypatch.setenv("TEST_SECRETS_ROOT", str(keys.folder / "secrets"))
            async with stack_client("back-api", "back-postgres") as client:
                assert await client.get("/users/1", response_model=Live) == Live(service="there")


def users() -> FastAPI:
    app = FastAPI()

    @app.get("/users/1")
    async def read() -> Live:
        return Live(service="there")

    return app


class TestHttpTransport:
    async def test_tells_what_never_left_from_what_broke(self) -> None:
        async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.transport.abort()

        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        transport = HttpTransport(f"http://127.0.0.1:{port}")
        await transport.open()
        post = Outgoing("POST", "/x")
        with pytest.raises(ConnectionBroke):
            await transport.send(post, timeout=20)
        with pytest.raises(ConnectionBroke):
            async with transport.stream(post, silence=20):
                pass
        server.close()
        await server.wait_closed()
        with pytest.raises(ConnectFailed):
            await transport.send(post, timeout=20)
        with pytest.raises(ConnectFailed):
            async with transport.stream(post, silence=20):
                pass
        await transport.close()

    async def test_needs_to_be_open(self) -> None:
        with pytest.raises(RuntimeError, match="lifespan"):
            await HttpTransport("http://127.0.0.1:1").send(Outgoing("GET", "/"), timeout=20)


class TestTls:
    async def test_a_service_is_verified_by_the_authorities_of_the_machine(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        certificate, key = self_signed(tmp_path)

        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            writer.close()

        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate, key)
        async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls) as server:
            url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            stranger = HttpTransport(url)
            await stranger.open()
            with pytest.raises(ConnectFailed, match="certificate verify failed"):
                await stranger.send(Outgoing("GET", "/"), timeout=20)
            await stranger.close()

            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
            known = HttpTransport(url)
            await known.open()
            assert (await known.send(Outgoing("GET", "/"), timeout=20)).status == 204
            await known.close()


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.IPAddress(IPv4Address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now() - timedelta(hours=1))
        .not_valid_after(now() + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, private


class TestAsgiTransport:
    async def test_a_crash_of_the_app_is_a_broken_connection(self) -> None:
        async def silent(*_: object) -> None:
            """Answers nothing."""

        with pytest.raises(ConnectionBroke):
            await AsgiTransport(silent).send(Outgoing("GET", "/"), timeout=20)
