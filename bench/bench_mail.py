"""How fast mail is read, beside what Python's own parser takes for the same mail.

`python bench/bench_mail.py [--rounds 15]` writes bench/results/mail.json. The baseline parses the
mail and decodes each of its parts, and does nothing else: no charsets, no HTML, no reply, no proof
of the sender, no limits. Both are measured in the same process, in turn.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.mail_input import MEGABYTE, mails
from bench.measure import Figure, Making, alternate, figure, plain, write
from cplus.mail import parse

GOAL = 0.5
BYTES = 4 * MEGABYTE
"""Of mail that is read in a round, or a whole mail if that is larger."""
MOST = 200
NOTE = (
    "Mails of words alone miss the goal: the bare parse does not read the headers, addresses, "
    "charsets, HTML and quotes that take the rest of the time. Profile, and what was tried: "
    "docs/replies.md, How long it takes."
)
_BASELINE = "message_from_bytes, walk, decode"


def bare(raw: bytes) -> None:
    """What everybody who reads a mail does."""
    for part in message_from_bytes(raw).walk():
        if not part.is_multipart():
            part.get_payload(decode=True)


def _rounds_of(raw: bytes, read: Callable[[bytes], object]) -> Making:
    count = max(1, min(MOST, BYTES // len(raw)))

    async def work() -> int:
        for _ in range(count):
            read(raw)
        return count

    return lambda: work


async def measure(rounds: int) -> dict[str, list[Figure]]:
    """The figures by parts."""
    found: dict[str, list[Figure]] = {}
    for name, raw in mails().items():
        pairs = await alternate(rounds, _rounds_of(raw, parse), _rounds_of(raw, bare))
        part = "files" if len(raw) > MEGABYTE else "words"
        found.setdefault(part, []).append(
            figure(f"mails read: {name}", "mails/s", pairs, _BASELINE, at_least=GOAL)
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found["files"].append(plain("the most memory of the process", peak, "MB"))
    return found


def main() -> None:
    """Measures and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    write("mail", asyncio.run(measure(parser.parse_args().rounds)), note=NOTE)


if __name__ == "__main__":
    main()
