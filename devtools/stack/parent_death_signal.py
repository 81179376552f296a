"""Becomes another program that gets a signal when its parent dies, however the parent dies.

    python -I -S parent_death_signal.py SIGNAL PARENT PIPE PROGRAM ARGUMENT…

Linux sends that signal itself (PIPE is -1). Elsewhere PIPE is the read end of a pipe whose write
end only the parent has: a watcher in the same process group waits for its end and signals the
group. A program of its own, since a process with threads can't safely run Python between fork
and exec.
"""

import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    number, parent, pipe, program = *map(int, sys.argv[1:4]), sys.argv[4]
    if pipe < 0:
        import ctypes  # noqa: PLC0415 - only where it is needed, each start pays for it

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    elif os.fork() == 0:
        watch(pipe, number)
    else:
        os.close(pipe)
    if os.getppid() != parent:
        sys.exit("the supervisor ended before this process could start")
    try:
        os.execv(program, sys.argv[4:])  # noqa: S606 - becoming the program is the point
    except OSError as error:
        sys.exit(f"can't run {program}: {error.strerror}")


def watch(pipe: int, number: int) -> None:
    """Wait for the parent's end, then signal the group. It holds no output of the program open."""
    for ignored in {number, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}:
        signal.signal(ignored, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nothing, stream)
    os.read(pipe, 1)
    os.killpg(0, number)
    os._exit(0)


main()
