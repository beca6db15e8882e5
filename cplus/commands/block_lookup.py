"""Whether mail falls under a block, without opening every block of the shop for it."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from cplus.events.aggregates.blocked_senders import Block, BlockedSenders, Kind
from cplus.events.catalogue.senders import SenderBlocked
from cplus.events.names import blocked_stream
from cplus.events.recording import Recorder
from cplus.mail.senders import domain_of, normal_sender
from cplus.privacy.keyring.cache import Cache

SECONDS: Final = 3_600.0
"""How long the hashes of a shop are used: then those of persons erased meanwhile are gone too."""
_SHOPS: Final = 100  # at most 1,000 hashes of each, of about 200 bytes


class Place(NamedTuple):
    """Where a block stands, and whom it blocks."""

    version: int
    kind: Kind
    sender: str


class Hashes:
    """Keyed hashes of the senders that a shop blocks, as of one version of its stream."""

    def __init__(self, blocked: BlockedSenders, key: bytes) -> None:
        self.version = blocked.version
        self._key = key
        self._versions = {
            self._hash(one.kind, one.sender): one.version
            for one in blocked.blocks.values()
            if one.sender is not None
        }

    def __len__(self) -> int:
        return len(self._versions)

    def places(self, addresses: Iterable[str | None]) -> list[Place]:
        """The blocks that mail with these addresses falls under, those of addresses first."""
        told = [one for one in addresses if one]
        asked: list[tuple[Kind, str]] = [("address", normal_sender(one)) for one in told]
        asked += [("domain", domain_of(one)) for one in told]
        return [
            Place(version, kind, sender)
            for kind, sender in asked
            if (version := self._versions.get(self._hash(kind, sender))) is not None
        ]

    def _hash(self, kind: Kind, sender: str) -> bytes:
        return hmac.digest(self._key, f"{kind}\n{sender}".encode(), "sha256")


class BlockLookup:
    """Finds the block of an address.

    It remembers hashes of who is blocked, in memory alone and under a key that ends with the
    process. They hold for the version of the stream that they were made of, which is asked for each
    time, and each hit is opened in the log: so nothing that was unblocked, and nobody who was
    erased, is held back by what is remembered.
    """

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        """Starts with no shop known."""
        self._key = secrets.token_bytes(32)
        self._hashes: Cache[str, Hashes] = Cache(_SHOPS, SECONDS, now=now)

    async def of(
        self, recorder: Recorder, shop: str, addresses: Iterable[str | None]
    ) -> Block | None:
        """The block that mail with these addresses falls under, as its author's are shown: a forged
        one counts as what it says. None if there is none."""
        hashes = await self._read(recorder, shop)
        for place in hashes.places(addresses):
            block = await _opened(recorder, shop, place)
            if block is not None:
                return block
        return None

    def hashes_of(self, shop: str) -> int:
        """How many hashes of the shop it remembers."""
        hashes = self._hashes.get(shop)
        return 0 if hashes is None else len(hashes)

    async def _read(self, recorder: Recorder, shop: str) -> Hashes:
        stream = blocked_stream(shop)
        hashes = self._hashes.get(shop)
        if hashes is not None:
            version, _ = await recorder.store.latest(shop, stream)
            if version == hashes.version:
                return hashes
        hashes = Hashes(await recorder.load(BlockedSenders, shop, stream), self._key)
        self._hashes.put(shop, hashes)
        return hashes


async def _opened(recorder: Recorder, shop: str, place: Place) -> Block | None:
    """The block that stands there; None if its sender was erased since."""
    stream, before = blocked_stream(shop), place.version - 1
    commits = [
        one
        async for one in recorder.store.iterate_stream(
            shop, stream, after=before, until=place.version
        )
    ]
    for events in await recorder.reader.of_stream(commits, stream):
        for recorded in events:
            event = recorded.event
            if isinstance(event, SenderBlocked) and event.originator_version == place.version:
                block = Block.of(event)
                return block if block.sender == place.sender else None
    return None
