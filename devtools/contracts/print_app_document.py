"""Prints the OpenAPI document and the settings of the service in the working directory.

Started as a file by the python of that service's environment, so it imports nothing of devtools.
"""

import json
import sys
from pathlib import Path

sys.path[0] = str(Path.cwd())

from main import app  # type: ignore[import-not-found]  # noqa: E402, TID251 - it runs in the environment of a service
from settings import Settings  # type: ignore[import-not-found]  # noqa: E402, TID251 - the same

values = Settings().model_dump(mode="json")
print(json.dumps({"openapi": app().openapi(), "settings": values}))
