"""Stands before the package of that name, which Celery's command line imports for a shell.

Nobody opens that shell here, and its terminal toolkit takes half of the command line's start.
"""


def register_repl(group: object) -> None:
    """Add no shell to `group`."""
