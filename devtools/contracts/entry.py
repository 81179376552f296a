"""The way from ./dev into the environment that has the models."""

import asyncio
import os
from collections.abc import Sequence
from typing import NoReturn

from devtools.workspace import environments


def become(arguments: Sequence[str]) -> NoReturn:
    """Go on as `python -m devtools.contracts`, in the environment that has the models."""
    venv = asyncio.run(environments.sync("devtools", ("contracts",)))
    python = str(venv / "bin" / "python")
    os.execv(python, [python, "-m", "devtools.contracts", *arguments])  # noqa: S606 - no shell
