"""Starts a program that is killed when its parent ends, however the parent ends.

    python -ISB launch.py PARENT_PID PROGRAM [ARGUMENT ...]

On Linux the kernel kills the program when the parent dies (prctl, PR_SET_PDEATHSIG, which survives
exec). Elsewhere the program is only started; the next start of the stack ends what a killed stack
left behind. Files that the program makes can be read by its own user only.
"""

from __future__ import annotations

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Has this process killed when its parent ends; exits with status 1 if that is gone."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:  # it died before prctl
            sys.exit(1)


def main(arguments: list[str]) -> None:
    """Replaces this process with the program; exits with status 1 if the parent is gone."""
    parent, program = int(arguments[0]), arguments[1:]
    os.umask(0o077)
    die_with(parent)
    os.execvp(program[0], program)  # noqa: S606 - a shell would be one process more


if __name__ == "__main__":
    main(sys.argv[1:])
