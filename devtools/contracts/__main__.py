"""`python -m devtools.contracts`: ./dev contracts, inside its environment."""

import sys

from devtools.contracts.cli import app
from devtools.workspace.errors import DevError

try:
    app(prog_name="./dev contracts")
except DevError as error:
    sys.exit(f"dev: {error}")
