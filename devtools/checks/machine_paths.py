"""What a committed file may not name: a folder of one machine, a registry; where secrets are."""

import re
from collections.abc import Iterator

from devtools.checks.compose import Compose
from devtools.checks.tree import Finding, Tree

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
    machine = re.compile(rf"{HOME.pattern}|{re.escape(str(tree.root))}\b")
    for path in tree.committed():
        text = path.read_text(errors="replace")
        for found in machine.finditer(text):
            what = f"{found[0]} is a path of one machine. Make it relative, or a setting."
            yield Finding.at(path, text, found.start(), what)
        for found in REGISTRY.finditer("" if path.name in LOCKS else text):
            what = (
                f"{found[0].strip()} names a registry: only lock files do. Leave it to the "
                "settings of uv, pip, npm or Maven."
            )
            yield Finding.at(path, text, found.start(), what)


SECRET = re.compile(r"(PASSWORD|SECRET|TOKEN|PRIVATE_KEY)$")


def secret_files(tree: Tree) -> Iterator[Finding]:
    """No file that holds secrets by its name, and none in an environment of docker-compose.yml;
    detect-secrets reads what files hold.
    """
    for path in tree.committed():
        if NEVER.match(path.name) and not path.name.endswith(".example"):
            what = "such a file holds secrets: shared/secrets_init.py makes them, below .run."
            yield Finding(path, 1, what)
    compose = Compose(tree)
    for name, service in compose.services.items():
        given = filter(SECRET.search, service.get("environment", {}))
        for key in [*given, *(["env_file"] if "env_file" in service else [])]:
            what = f"{name} gets {key}: secrets come by files of shared/secrets_init.py alone."
            yield compose.finding(name, what, f"{key}:")
