"""uvicorn as the services run it: what has to come before the import of an app."""

import os
import subprocess
import sys
from pathlib import Path

APP = """
import gc
from fastapi import FastAPI
from fastapi.openapi.models import OpenAPI
from pydantic import BaseModel


class Later(BaseModel): ...


def app() -> FastAPI:
    print("threshold", gc.get_threshold()[0])
    print("at first use", type(OpenAPI.__pydantic_validator__).__name__)
    print("title", OpenAPI(openapi="3.1.0", info={"title": "A", "version": "1"}).info.title)
    print("at once", type(Later.__pydantic_validator__).__name__)
    raise SystemExit(7)
"""


def test_an_app_is_made_without_collections_and_openapi_models(tmp_path: Path) -> None:
    """A model of pydantic that is not built is replaced by a mock, until its first use."""
    (tmp_path / "started.py").write_text(APP)
    done = subprocess.run(
        [sys.executable, "-m", "shared.kit.runtime.serve", "started:app", "--factory"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 7, done.stderr
    assert done.stdout.splitlines() == [
        "threshold 1000000",
        "at first use MockValSer",
        "title A",
        "at once SchemaValidator",
    ]


def test_its_options_are_those_of_uvicorn() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "shared.kit.runtime.serve", "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "--factory" in done.stdout
