"""Prints the environment variables that settings classes read, one a line: FOLDER VARIABLE.

Started as a file, with folders of services, by the python of the environment of `shared`, so it
imports nothing of devtools.
"""

import runpy
import sys
from pathlib import Path

from pydantic_settings import BaseSettings

for folder in map(Path, sys.argv[1:]):
    sys.path[0] = str(folder)
    files = [folder / "settings.py"] if (folder / "settings.py").exists() else folder.glob("*.py")
    files = [file for file in files if "Settings" in file.read_text()]
    for thing in (it for file in files for it in runpy.run_path(str(file)).values()):
        if isinstance(thing, type) and issubclass(thing, BaseSettings):
            prefix = thing.model_config.get("env_prefix", "")
            for name, field in thing.model_fields.items():
                print(folder.name, str(field.validation_alias or f"{prefix}{name}").upper())
