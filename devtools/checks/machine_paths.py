"""What a committed file may not name: a folder of one machine, a registry; files of secrets."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from devtools.checks.tree import LEFT_OUT, Finding, Tree

HOME = re.compile(r"(?<![\w.])(?:/root|/home/[a-z][\w-]*|/Users/[A-Za-z][\w-]*)/")
LOCKS = {"uv.lock", "package-lock.json", "cassandra.lock"}
REGISTRY = re.compile(
    r"https?://(?:[\w-]+\.)*(?:pypi\.org|pythonhosted\.org|npmjs\.org|yarnpkg\.com|maven\.org"
    r"|maven\.apache\.org)"
    r"|^\s*(?:index-url|extra-index-url|registry)\s*=\s*[\"']?https?://",
    re.MULTILINE,
)
NEVER = re.compile(
    r"^(?:\.env(?:\..*)?|.*\.(?:pem|key|p12|pfx|jks)|id_(?:rsa|ed25519)|\.netrc|\.pypirc)$"
)


def machine_paths(tree: Tree) -> Iterator[Finding]:
    """No home folder, not the folder of this checkout, no registry host outside lock files."""
    here = re.compile(re.escape(str(tree.root)) + r"\b")
    for path in committed(tree):
        text = path.read_text(errors="replace")
        for pattern in (HOME, here):
            for found in pattern.finditer(text):
                what = f"{found[0]} is a path of one machine. Make it relative, or a setting."
                yield Finding(path, _line(text, found), what)
        for found in REGISTRY.finditer("" if path.name in LOCKS else text):
            what = (
                f"{found[0].strip()} names a registry: only lock files do. Leave it to the "
                "settings of uv, pip, npm or Maven."
            )
            yield Finding(path, _line(text, found), what)


def secret_files(tree: Tree) -> Iterator[Finding]:
    """No file that holds secrets by its name; detect-secrets reads what the others hold."""
    for path in committed(tree):
        if NEVER.match(path.name) and not path.name.endswith(".example"):
            what = "such a file holds secrets: shared/secrets_init.py makes them, below .run."
            yield Finding(path, 1, what)


def committed(tree: Tree) -> list[Path]:
    """What git has or would take; every file where there is no git, as in a copy."""
    asked = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if (tree.root / ".git").exists():
        listed = subprocess.run(
            asked, cwd=tree.root, check=True, capture_output=True, text=True
        ).stdout
        paths = [tree.root / name for name in listed.split("\0") if name]
    else:
        paths = [path for path in tree.root.rglob("*") if not LEFT_OUT & set(path.parts)]
    return sorted(path for path in paths if path.is_file() and not path.is_symlink())


def _line(text: str, found: re.Match[str]) -> int:
    return text.count("\n", 0, found.start()) + 1
