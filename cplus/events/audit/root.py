"""The root of a day: the heads of all shops at one moment, under one hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from cplus.events.audit.chain import merkle_path, merkle_root

PREFIX: Final = "roots/"
NO_ENTRIES: Final[Mapping[str, bytes]] = {}


def key_of(day: date) -> str:
    """The key of that day's root in the bucket."""
    return f"{PREFIX}{day.isoformat()}.json"


@dataclass(frozen=True, slots=True)
class Root:
    """The heads of all shops at one moment, under one hash."""

    day: date
    """UTC."""
    heads: Mapping[str, tuple[int, bytes]]
    """Position and hash of the last commit, by shop."""
    erasures: Mapping[str, bytes]
    """SHA-256 of each entry in the ledger of erasures since the root before, by its key."""
    previous: bytes
    """The previous root; the hash of nothing for the first."""
    value: bytes
    """The root itself."""

    @classmethod
    def over(
        cls,
        day: date,
        heads: Mapping[str, tuple[int, bytes]],
        previous: bytes,
        erasures: Mapping[str, bytes] = NO_ENTRIES,
    ) -> Root:
        """The root of a day."""
        made = cls(day, dict(heads), dict(erasures), previous, b"")
        return replace(made, value=merkle_root(made.leaves()))

    def leaves(self) -> list[bytes]:
        """What the root is made of: the day and the previous root, the heads by shop, and the
        entries of the ledger by key."""
        first = f"{self.day.isoformat()}\n{self.previous.hex()}"
        heads = [f"{one}\n{at}\n{digest.hex()}" for one, (at, digest) in sorted(self.heads.items())]
        entries = [f"erasure\n{key}\n{one.hex()}" for key, one in sorted(self.erasures.items())]
        return [leaf.encode() for leaf in (first, *heads, *entries)]

    def path_to(self, entry: str) -> list[tuple[str, bytes]]:
        """The way from this entry of the ledger to the root; see `merkle_path`."""
        leaves = self.leaves()
        place = len(leaves) - len(self.erasures) + sorted(self.erasures).index(entry)
        return merkle_path(leaves, place)

    @property
    def key(self) -> str:
        """Its key in the bucket."""
        return key_of(self.day)

    def to_json(self) -> bytes:
        """The stored form."""
        heads = {shop: [at, digest.hex()] for shop, (at, digest) in sorted(self.heads.items())}
        said = {
            "day": self.day.isoformat(),
            "root": self.value.hex(),
            "previous": self.previous.hex(),
            "heads": heads,
        }
        if self.erasures:  # roots of before have none, and stay as they are
            said["erasures"] = {key: one.hex() for key, one in sorted(self.erasures.items())}
        return json.dumps(said, indent=1).encode()

    @classmethod
    def of_json(cls, raw: bytes) -> Root:
        """Reads the stored form; raises ValueError if it is not a root."""
        try:
            said = json.loads(raw)
            heads = {shop: (at, bytes.fromhex(h)) for shop, (at, h) in said["heads"].items()}
            entries = {key: bytes.fromhex(h) for key, h in said.get("erasures", {}).items()}
            day, previous = date.fromisoformat(said["day"]), bytes.fromhex(said["previous"])
            return cls(day, heads, entries, previous, bytes.fromhex(said["root"]))
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError("this is not a root") from error


NO_ROOT = hashlib.sha256().digest()
"""The previous root of the first root."""
