"""Who runs a command of this service."""

import getpass
import os
import platform

OPERATOR_MAX_LENGTH = 200


def operator() -> str:
    """The login name and the machine of whoever runs the process."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user id need not have a name
        name = f"user {os.getuid()}"
    return f"{name}@{platform.node()}"[:OPERATOR_MAX_LENGTH]
