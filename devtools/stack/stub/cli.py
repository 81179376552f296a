"""The command ./dev stub."""

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

import typer
import yaml

from devtools.stack import ports
from devtools.stack.stub import prism
from devtools.stack.stub.document import prepare
from devtools.workspace.errors import DevError
from devtools.workspace.repository import COMPOSE_FILE

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def stub(
    service: Annotated[str, typer.Argument(help="A service that contracts document.")],
    *,
    port: Annotated[int, typer.Option(help="0 means the service's own port.")] = 0,
) -> None:
    """Serve a service's OpenAPI document: made-up answers, the contracts' errors.

    A request header `Prefer: code=404` asks for an error. Ctrl-C ends it.
    """
    port = port or _own_port(service)
    if not ports.is_free(port):
        raise DevError(f"port {port} is taken by {ports.holder(port)}: choose one with --port")
    with tempfile.TemporaryDirectory(prefix="dev-stub-") as folder:
        path = prepare(service, Path(folder))
        command = asyncio.run(prism.installed()).serves(path, port)
        typer.echo(f"{service} is stubbed at http://127.0.0.1:{port}", err=True)
        raise typer.Exit(asyncio.run(_run(command)))


async def _run(command: list[str]) -> int:
    process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL)
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


def _own_port(service: str) -> int:
    services = yaml.safe_load(COMPOSE_FILE.read_text())["services"]
    for published in services.get(service, {}).get("ports", []):
        return int(published.split(":")[-2])
    raise DevError(f"{service} has no port in {COMPOSE_FILE.name}: choose one with --port")
