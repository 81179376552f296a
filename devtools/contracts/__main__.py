"""`python -m devtools.contracts sync` writes the tables; `check` says whether they are current."""

import sys
from pathlib import Path

from devtools.contracts.tables import render_tables, tables_path


def main(arguments: list[str]) -> int:
    """Exit status: 0 fine, 1 the tables are out of date, 2 usage."""
    root = Path(__file__).resolve().parents[2]
    path = tables_path(root)
    match arguments:
        case ["sync"]:
            path.write_text(render_tables(root))
            return 0
        case ["check"]:
            if path.exists() and path.read_text() == render_tables(root):
                return 0
            print(f"{path.relative_to(root)} is out of date: run ./dev contracts sync")
            return 1
    print("usage: python -m devtools.contracts sync|check")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
