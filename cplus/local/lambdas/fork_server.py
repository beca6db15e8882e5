"""A program that has the functions' libraries loaded and forks a process for each that is asked.

    python fork_server.py LIBRARY ...

Importing the libraries takes a process most of a second of a core, and most of its memory; a fork
has both for nothing. The code of the functions is not loaded here: each fork imports it anew.

A request is a line of JSON on stdin, `{"id", "module", "arguments", "environment", "directory",
"output", "errors"}`; the answers are lines on stdout: `{"id", "pid"}`, and `{"pid", "status"}` once
that process has ended, its status as `subprocess` counts it. It ends when stdin ends, and its forks
with it.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

_LAUNCH = Path(__file__).parents[1] / "launch.py"


def main(libraries: list[str]) -> None:
    """Serves requests; does not return."""
    # By its path: the package is imported by the forks, each from its own directory.
    die_with = runpy.run_path(str(_LAUNCH))["die_with"]
    del sys.path[0]  # the folder of this file
    for name in libraries:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.freeze()  # a collection in a fork would copy the memory that it shares
    server = os.getpid()
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken)
    for request in _requests(wake):
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.close(wake)
            os.close(woken)
            os.setsid()  # the whole group can be killed
            die_with(server)
            try:
                _become(request)
            except SystemExit as ended:
                if not isinstance(ended.code, int | None):
                    raise  # Python writes down what it is
                _leave(ended.code or 0)
            _leave(0)
        _say({"id": request["id"], "pid": pid})


def _requests(wake: int) -> Iterator[dict[str, Any]]:
    """Each request as it comes; tells of ended processes meanwhile."""
    held = b""
    while True:
        ready, _, _ = select.select([0, wake], [], [])
        if wake in ready:
            os.read(wake, 4096)
            _tell_who_ended()
        if 0 in ready:
            chunk = os.read(0, 65_536)
            if not chunk:
                sys.exit()
            *lines, held = (held + chunk).split(b"\n")
            yield from map(json.loads, lines)


def _tell_who_ended() -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            _say({"pid": pid, "status": os.waitstatus_to_exitcode(status)})


def _say(told: dict[str, Any]) -> None:
    os.write(1, json.dumps(told).encode() + b"\n")


def _become(request: dict[str, Any]) -> None:
    """Runs the module as `python -m` would in that directory, with that environment only."""
    for number, path in enumerate((os.devnull, request["output"], request["errors"])):
        with Path(path).open("ab" if number else "rb") as file:
            os.dup2(file.fileno(), number)
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    os.chdir(request["directory"])
    given = os.environ.get("PYTHONPATH", "")
    sys.path[:0] = [request["directory"], *filter(None, given.split(os.pathsep))]
    sys.argv = [request["module"], *request["arguments"]]
    runpy.run_module(request["module"], run_name="__main__", alter_sys=True)


def _leave(status: int) -> NoReturn:
    """Ends the process as Python would, but leaves the memory to the kernel: to free each object
    would copy all the memory that the fork shares, which takes longer than most programs."""
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - as multiprocessing does
    atexit._run_exitfuncs()  # noqa: SLF001 - no public call runs them
    gc.collect()  # what the program forgot to close says so
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.exit(status)  # Python has a status for that
    os._exit(status & 0xFF)


if __name__ == "__main__":
    main(sys.argv[1:])
