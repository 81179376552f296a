"""Write cassandra.lock anew, for a newer Cassandra in `COORDINATES`.

    python -m devtools.engines.cassandra_lock     in the environment devtools+engines

Resolves Cassandra's dependencies with jgo (half a minute) and notes the SHA-256 of each jar.
Look at the difference before you commit it.
"""

import hashlib

import jgo

from devtools.engines.cassandra import COORDINATES, LOCK
from devtools.engines.maven import Jar, write_lock


def main() -> None:
    jars = []
    for artifact in jgo.resolve(COORDINATES):
        parts = [artifact.groupId, artifact.artifactId, artifact.version, artifact.classifier]
        digest = hashlib.sha256(artifact.resolve().read_bytes()).hexdigest()
        jars.append(Jar(":".join(part for part in parts if part), digest))
    write_lock(LOCK, jars)
    print(f"{len(jars)} jars in {LOCK.name}")


if __name__ == "__main__":
    main()
