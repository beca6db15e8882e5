"""The certificate of an erasure: what was destroyed, and the proof that it was recorded then.

It can be checked without this system: docs/check_certificate.py does. It names nobody, so it can be
kept for as long as somebody may ask.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from cplus.events.audit.root import Root
from cplus.events.audit.roots import Objects, root_over
from cplus.events.log.commit import split
from cplus.events.log.commits import Commits
from cplus.events.log.store import EventStore
from cplus.events.names import erasure_claim, erasure_stream
from cplus.privacy.ledger import PERSON, Erased, Ledger, Stored

FORMAT: Final = "conversations-plus/erasure"
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Certificate:
    """What proves an erasure."""

    entry: Erased
    """The entry of the ledger."""
    stored: Stored
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
            "key": self.stored.key,
            "entry": self.stored.raw.decode(),
            "commits": [base64.b64encode(one).decode() for one in self.commits],
            "root": self.root
            and {
                "day": self.root.day.isoformat(),
                "value": self.root.value.hex(),
                "path": [[side, one.hex()] for side, one in self.root.path_to(self.stored.key)],
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
        self._store = EventStore(log)
        self._objects = objects
        self._bucket = bucket

    async def of(self, shop: str, erasure: str) -> Certificate | None:
        """The certificate of this erasure of somebody of the shop, or of the shop; None if the
        ledger does not have it, or as long as rows may show the person. Of several entries it is
        the newest of those that have whatever the others have. Raises ValueError if what is stored
        is no entry."""
        found = await self._stored(shop, erasure)
        if not found:
            return None
        told = [(one.entry(), one) for one in found]
        # The entry of a person is written before that; that of a shop is the last thing.
        done = erasure_claim(erasure, "completed")
        if told[0][0].kind == PERSON and await self._store.by_claim(shop, done) is None:
            return None
        whole = [one for one in told if all(one[0].covers(other) for other, _ in told)] or told
        entry, stored = max(whole, key=lambda one: one[0].at)
        commits = [await self._commit(shop, position) for position, _ in entry.commits]
        root = await root_over(self._objects, self._bucket, stored.key, entry.at.date())
        return Certificate(entry, stored, tuple(filter(None, commits)), root)

    async def _stored(self, shop: str, erasure: str) -> list[Stored]:
        """The entries in the ledger, which are looked for on the days on which the log has
        something of the erasure, and on those after them."""
        commits = self._store.iterate_ref(shop, erasure_stream(erasure))
        days = [one.recorded_at.date() async for one in commits]
        after = [day + timedelta(1) for day in days]
        return await self._ledger.entries_of(shop, erasure, [*days, *after]) if days else []

    async def _commit(self, shop: str, position: int) -> bytes:
        pieces = [piece async for piece in self._log.raw(shop, position - 1, position)]
        return b"".join(split(b"".join(pieces))[:1])
