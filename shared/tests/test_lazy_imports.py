"""What a process does not need, it does not import: imports are most of a start."""

import subprocess
import sys

import pytest

import shared.kit


def _imported(statement: str) -> set[str]:
    """The top-level modules in a new process after `statement`."""
    modules = "print(*{it.partition('.')[0] for it in sys.modules})"
    return {*_printed("import sys", statement, modules)}


def _printed(*statements: str) -> list[str]:
    """The words that a new process prints."""
    script = "\n".join(statements)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.split()


def test_a_worker_imports_no_web_framework() -> None:
    names = "Connect, ServiceClient, ServiceSettings, service_client, start_logging"
    modules = _imported(f"from shared.kit import {names}")
    assert "aiohttp" in modules
    assert not {"fastapi", "starlette"} & modules


def test_the_job_that_makes_secrets_imports_no_client_and_no_web_framework() -> None:
    modules = _imported("import shared.secrets_init")
    assert "cryptography" in modules
    assert not {"aiohttp", "fastapi", "starlette"} & modules


def test_every_name_of_the_kit_is_there() -> None:
    for name in shared.kit.__all__:
        assert getattr(shared.kit, name).__module__.startswith(("shared.kit.", "collections.abc"))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        shared.kit.Nothing  # noqa: B018 - the access is what is tested
