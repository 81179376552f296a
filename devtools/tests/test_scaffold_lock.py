from devtools.scaffold.generate import with_known_packages

BEFORE = """version = 1

[[package]]
name = "a"
version = "1.0"
sdist = { url = "https://x/a.tar.gz", hash = "sha256:1", upload-time = "2026-01-01T00:00:00Z" }

[[package]]
name = "b"
version = "1.0"
"""
# Another index says sizes and no times; c is new, and b has another version.
LOCKED = """version = 1

[[package]]
name = "a"
version = "1.0"
sdist = { url = "https://x/a.tar.gz", hash = "sha256:1", size = 7 }

[[package]]
name = "b"
version = "2.0"

[[package]]
name = "c"
version = "1.0"
"""


def test_a_lock_changes_where_packages_do() -> None:
    kept = with_known_packages(LOCKED, BEFORE)

    assert kept == LOCKED.replace(", size = 7", ', upload-time = "2026-01-01T00:00:00Z"')
    assert with_known_packages(BEFORE, LOCKED) == BEFORE.replace(
        ', upload-time = "2026-01-01T00:00:00Z"', ", size = 7"
    )
