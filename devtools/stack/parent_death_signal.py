"""Becomes another program that gets a signal when its parent dies, however the parent dies.

    python -I -S parent_death_signal.py SIGNAL PARENT PROGRAM ARGUMENT…

A program of its own, since a process with threads can't safely run Python between fork and exec.
Where the kernel has no such signal (macOS) it only runs the program; the next `./dev up` cleans up.
"""

import os
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    signal, parent, program = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - only where it is needed, each start pays for it

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("the supervisor ended before this process could start")
    try:
        os.execv(program, sys.argv[3:])  # noqa: S606 - becoming the program is the point
    except OSError as error:
        sys.exit(f"can't run {program}: {error.strerror}")


main()
