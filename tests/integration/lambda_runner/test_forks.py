"""A fork ends as a process of Python does, without the time that this takes."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from cplus.local.lambdas.forks import Forks, Program

ENDINGS = {
    "at_its_end": "print('said', end='')",
    "with_a_status": "import sys; print('said'); sys.exit(3)",
    "with_a_large_status": "import sys; sys.exit(-1)",
    "with_words": "import sys; sys.exit('in words')",
    "by_an_error": "raise ValueError('wrong')",
    "and_takes_leave": "import atexit; atexit.register(print, 'at exit')",
    "behind_a_thread": """
import threading, time
def late():
    threading.main_thread().join()
    print("late")
threading.Thread(target=late).start()
""",
    "with_idle_threads": """
from concurrent.futures import ThreadPoolExecutor
print(ThreadPoolExecutor().submit(int, "7").result())
""",
    "and_forgets_what_waits_for_it": """
class Forgotten:
    def __init__(self):
        self.itself = self
    def __del__(self):
        print("forgotten")
Forgotten()
""",
    "and_cannot_write": "import sys; sys.stdout = open('/dev/full', 'w'); print('lost')",
    "by_an_interrupt": "import os, signal; os.kill(os.getpid(), signal.SIGINT)",
}


async def test_a_fork_ends_as_a_process_of_python_does(tmp_path: Path) -> None:
    forks = Forks((), tmp_path / "forks.log")

    async def forked(name: str) -> tuple[int | None, bytes, bytes]:
        output, errors = tmp_path / f"{name}.out", tmp_path / f"{name}.err"
        program = Program(name, (), {}, tmp_path, output=output, errors=errors)
        process = await forks.start(program)
        async with asyncio.timeout(60):
            return await process.wait(), output.read_bytes(), errors.read_bytes()

    async def started(name: str) -> tuple[int | None, bytes, bytes]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", name), cwd=tmp_path, env={}, stdout=PIPE, stderr=PIPE
        )
        async with asyncio.timeout(60):
            out, err = await process.communicate()
        return process.returncode, out, err

    try:
        for name, code in ENDINGS.items():
            (tmp_path / f"{name}.py").write_text(code, "utf-8")
            status, out, err = await forked(name)
            wanted, said, complained = await started(name)
            # What stands in a traceback is the way to the program; the last line says what it was.
            assert (status, out) == (wanted, said), name
            assert err.splitlines()[-1:] == complained.splitlines()[-1:], name
    finally:
        await forks.close()
