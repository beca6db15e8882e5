"""The certificate of an erasure: what was destroyed, and the proof that it was recorded then.

It can be checked without this system: docs/check_certificate.py does. It names nobody, so it can be
kept for as long as somebody may ask.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cplus.events.audit.roots import Objects, Root, root_over
from cplus.events.log.commit import split
from cplus.events.log.commits import Commits
from cplus.privacy.ledger import Erased, Ledger

FORMAT: Final = "conversations-plus/erasure"
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Certificate:
    """What proves an erasure."""

    entry: Erased
    """The entry of the ledger."""
    stored: bytes
    """The same, byte for byte as it is stored."""
    commits: tuple[bytes, ...]
    """The commits that the entry names, as they are stored."""
    root: Root | None
    """The root that covers the entry; None until the day is anchored."""

    def as_json(self) -> dict[str, Any]:
        """The file for who asks for a proof."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "key": self.entry.key,
            "entry": self.stored.decode(),
            "commits": [base64.b64encode(one).decode() for one in self.commits],
            "root": self.root
            and {
                "day": self.root.day.isoformat(),
                "value": self.root.value.hex(),
                "path": [[side, one.hex()] for side, one in self.root.path_to(self.entry.key)],
            },
        }

    def to_json(self) -> bytes:
        """The same as bytes."""
        return json.dumps(self.as_json(), indent=1).encode()


class Certificates:
    """Makes certificates from the ledger, the log and the roots."""

    def __init__(self, ledger: Ledger, log: Commits, objects: Objects, bucket: str) -> None:
        """`bucket` is that of the roots."""
        self._ledger = ledger
        self._log = log
        self._objects = objects
        self._bucket = bucket

    async def of(self, shop: str, erasure: str, completed: datetime) -> Certificate | None:
        """The certificate of an erasure that was completed at that time; None if the ledger does
        not have it. Raises ValueError if what is stored is no entry."""
        stored = await self._ledger.entry(shop, erasure, completed)
        if stored is None:
            return None
        entry = Erased.of_json(stored)
        commits = [await self._commit(shop, position) for position, _ in entry.commits]
        root = await root_over(self._objects, self._bucket, entry.key, entry.at.date())
        return Certificate(entry, stored, tuple(filter(None, commits)), root)

    async def _commit(self, shop: str, position: int) -> bytes:
        pieces = [piece async for piece in self._log.raw(shop, position - 1, position)]
        return b"".join(split(b"".join(pieces))[:1])
