"""What is wrong, where it stands, and how to mend it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Finding:
    """A complaint about one line of one file, relative to the repository, or about an address."""

    path: Path | str
    line: int | None
    what: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else str(self.path)
        return f"{place}: {self.what}"
