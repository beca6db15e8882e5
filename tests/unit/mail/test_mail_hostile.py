"""Mail that breaks every rule is read to the end: no error, in little time, in bounded memory."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from cplus.mail import InboundMail, contact_form, files_in, parse_with_parts
from cplus.mail.parts.formatted import formatted
from cplus.mail.parts.invites import read_invites
from tests.conftest import ROOT, Figures
from tests.hostile_mails import MEGABYTE, hostile

SECONDS = 2.0
"""Of the processor for each 10 MB of a mail, or less."""
MEMORY = 700 * MEGABYTE
"""Of the process that reads mails of 40 MB one after the other, above what it has before."""


@dataclass
class Seen:
    """What came of the mails."""

    cases: int = 0
    slowest: float = 0.0
    """Seconds of the processor for 10 MB."""
    kinds: Counter[str] = field(default_factory=Counter)


def read_all(seeds: range, *, large: bool = False) -> Seen:
    """Reads a mail of each seed as the consumer and the pages do."""
    seen = Seen()
    for seed in seeds:
        raw = hostile(seed, large=large)
        took, mail = _read(raw)
        if took > SECONDS:  # another process may have had the processor's caches
            took = min(took, _read(raw)[0])
        assert took <= SECONDS, (seed, large, took, len(raw))
        said = json.dumps(mail.model_dump(mode="json"), ensure_ascii=False).encode("utf-8")
        assert b"\\u0000" not in said, seed
        seen.cases += 1
        seen.slowest = max(seen.slowest, took)
        seen.kinds.update(mail.defects or ["none"])
    return seen


def _read(raw: bytes) -> tuple[float, InboundMail]:
    """The seconds for 10 MB of the step that took longest, and the mail."""
    times = [time.process_time()]
    mail, parts = parse_with_parts(raw)
    times.append(time.process_time())
    for file in files_in(parts, mail.attachments):
        if file.content_type == "text/calendar":
            read_invites(file.data)
    times.append(time.process_time())
    formatted(raw, picture=lambda _: None, remote=False)
    times.append(time.process_time())
    contact_form(mail)
    times.append(time.process_time())
    longest = max(after - before for before, after in pairwise(times))
    return longest / max(1.0, len(raw) / (10 * MEGABYTE)), mail


def test_hostile_mails_are_read_without_an_error_and_fast() -> None:
    seen = read_all(range(300))
    assert seen.cases == 300
    assert len(seen.kinds) > 15  # they do break rules


def test_the_same_seed_makes_the_same_mail() -> None:
    assert [hostile(seed) for seed in range(20)] == [hostile(seed) for seed in range(20)]


def _limited(first: int, count: int, large: bool) -> Seen:
    """Reads mails in a process that may take so much memory and no more."""
    name = "tests.unit.mail.test_mail_hostile"
    done = subprocess.run(
        [sys.executable, "-m", name, str(first), str(count), str(int(large))],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    said = json.loads(done.stdout)
    return Seen(said["cases"], said["slowest"], Counter(said["kinds"]))


@pytest.mark.soak
@pytest.mark.parametrize(("count", "large"), [(19_900, False), (100, True)])
def test_twenty_thousand_hostile_mails_are_read(count: int, large: bool, figures: Figures) -> None:
    """Of 20,000 mails that break every rule (random bytes, charsets, 50 levels, 10,000 parts, 40
    MB, broken base64, TNEF, invitations) each is read without an error, none takes more than 2
    seconds for 10 MB, and 700 MB of memory are enough."""
    seen = _limited(1_000_000, count, large)
    assert seen.cases == count
    slowest = "slowest_large_ms_for_10_MB" if large else "slowest_small_ms_for_10_MB"
    figures(**{"mails": count, slowest: round(seen.slowest * 1_000)})


def _main(first: int, count: int, large: bool) -> None:
    hostile(0)
    held = int(Path("/proc/self/statm").read_text().split()[0])
    most = held * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    seen = read_all(range(first, first + count), large=large)
    print(json.dumps({"cases": seen.cases, "slowest": seen.slowest, "kinds": seen.kinds}))


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "1")
