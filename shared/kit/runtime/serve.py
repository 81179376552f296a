"""uvicorn, with its options and variables, prepared for the start of a service.

    python -m shared.kit.runtime.serve main:app --factory

uvicorn imports the app before it makes the event loop, so that nothing of uvicorn's settings comes
early enough for this.
"""

from shared.kit.http.garbage_collection import collect_rarely
from shared.kit.lean_imports import models_built_at_first_use


def main() -> None:
    collect_rarely()
    with models_built_at_first_use():
        import fastapi  # noqa: F401, PLC0415 - imported here, its models are not built
    from uvicorn.main import main as uvicorn  # noqa: PLC0415 - where garbage is collected rarely

    uvicorn(prog_name="shared.kit.runtime.serve")


if __name__ == "__main__":
    main()
