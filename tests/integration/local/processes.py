"""What the tests of the local stack ask the machine: what runs, what listens, what others get."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path

NOBODY = 65_534
# Asks each address as another user, and prints the statuses.
STRANGER = f"""
import encodings.idna, http.client, os, sys
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
for address in sys.argv[1:]:
    host, _, path = address.removeprefix("http://").partition("/")
    for method in ("GET", "POST"):
        there = http.client.HTTPConnection(host, timeout=20)
        there.request(method, "/" + path)
        print(there.getresponse().status)
"""
_LISTENS = "0A"


def processes(data: Path) -> dict[int, str]:
    """Every process that has the directory in its command line or environment."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if str(data).encode() in text and state != "Z":
            found[int(entry.name)] = text[:200].decode("utf-8", "replace")
    return found


async def all_gone(data: Path) -> None:
    """Returns once none of them is left."""
    async with asyncio.timeout(60):
        while processes(data):  # noqa: ASYNC110 - they are nobody's children any more
            await asyncio.sleep(0.02)


def listened(pid: int) -> set[int]:
    """The ports on which the process waits for connections."""
    held = set[str]()
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it was closed meanwhile
            held.add(str(file.readlink()))
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {
        int(row[1].partition(":")[2], 16)
        for row in rows
        if row[3] == _LISTENS and f"socket:[{row[9]}]" in held
    }


async def strange_answers(*addresses: str) -> list[int]:
    """The statuses that a program of another user gets there, for GET and POST; needs root."""
    stranger = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", STRANGER, *addresses), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await stranger.communicate()
    assert stranger.returncode == 0
    return [int(status) for status in said.split()]
