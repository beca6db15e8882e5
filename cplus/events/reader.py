"""The one way to events from what is stored: every stored event is decoded here.

It is asynchronous and takes commits in bulk, so that the keys of a batch are asked for once. Only
what somebody reads is opened: the keys of other events are not even asked for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cplus.errors import KeysUnavailable
from cplus.events.base import Cause, Event, Recorded
from cplus.events.catalogue import CATALOGUE, Catalogue
from cplus.events.log.codec import NO_KEYS, decode, decode_cause
from cplus.events.log.commit import Commit
from cplus.events.log.sealing import SEALED, Key, OpeningKeys


class Fault(NamedTuple):
    """Why an event cannot be read."""

    type: str
    """Its stored type."""
    error: Exception
    """UnknownEvent, KeyMissing, SealBroken, or whatever its class raised."""


class EventReader:
    """Decodes stored events in the newest shape that the catalogue knows."""

    def __init__(self, catalogue: Catalogue = CATALOGUE, keys: OpeningKeys | None = None) -> None:
        """Without `keys`, it reads only what is not sealed."""
        self._catalogue = catalogue
        self._keys = keys

    def families_of(self, commit: Commit) -> frozenset[str]:
        """The families of its events; all that there are if it holds one that is not known."""
        return self._catalogue.families_of(commit.types)

    def passed(self, passes: Collection[str], handles: Iterable[type[Event]]) -> frozenset[str]:
        """The stored types of these families but for those of the events that are handled."""
        return self._catalogue.passed(passes, handles)

    async def read(
        self,
        commits: Sequence[Commit],
        kinds: Collection[type[Event]] | None = None,
        *,
        opened: bool = True,
    ) -> list[list[Recorded]]:
        """The events of each commit, in order; with `kinds`, those of these classes only. If they
        are not `opened`, no key is asked for and their personal fields cannot be read.

        Raises UnknownEvent at the first that this code cannot read; KeyMissing, SealBroken and
        KeysUnavailable, if it is because of its key.
        """
        types = None if kinds is None else {kind.TYPE for kind in kinds}
        found, fault = await self.read_on(commits, types, None if opened else ())
        if fault is not None:
            raise fault.error
        return found

    async def of(self, commit: Commit, *kinds: type[Event]) -> list[Recorded]:
        """The events of these classes in the commit, in order; without any, all. Raises as `read`
        does."""
        [events] = await self.read([commit], kinds or None)
        return events

    async def of_stream(self, commits: Sequence[Commit], stream: str) -> list[list[Recorded]]:
        """The events of each commit that have a place in the stream; raises as `read` does."""

        def wanted(document: Mapping[str, Any]) -> bool:
            return document["stream"] == stream and document["version"] is not None

        stored = (one for commit in commits for one in commit.documents if wanted(one))
        keys = await self._keys_of(slot["key"] for one in stored if (slot := _sealed(one)))
        return [
            [
                _recorded(commit, index, document, self._catalogue, keys, opened=True)
                for index, document in enumerate(commit.documents)
                if wanted(document)
            ]
            for commit in commits
        ]

    async def read_on(
        self,
        commits: Sequence[Commit],
        types: Collection[str] | None,
        opens: Collection[str] | None = None,
    ) -> tuple[list[list[Recorded]], Fault | None]:
        """The events of each commit, those of these stored types only unless it is None, up to
        the first commit of which one cannot be read; and what is wrong with that event.

        Only the personal fields of the types in `opens` can be read then, of all if it is None.
        Raises KeysUnavailable, and what the keyring's database raises: that says nothing about an
        event.
        """
        catalogue, found, type_ = self._catalogue, list[list[Recorded]](), ""
        keys = await self._keys_of(_key_ids(commits, types if opens is None else opens))
        try:
            for commit in commits:
                events: list[Recorded] = []
                for index, document in enumerate(commit.documents):
                    type_ = document["type"]
                    if types is None or type_ in types:
                        opened = opens is None or type_ in opens
                        events.append(
                            _recorded(commit, index, document, catalogue, keys, opened=opened)
                        )
                found.append(events)
        except Exception as error:  # noqa: BLE001  told to the caller, with what was read before
            return found, Fault(type_, error)
        return found, None

    async def causes(self, commits: Sequence[Commit]) -> list[Cause | None]:
        """The cause of each commit, opened; None where there is none, or the commit was read
        without it. Raises as `read` does."""
        keys = await self._keys_of(
            key
            for commit in commits
            if commit.cause is not None and commit.cause["scheme"] == SEALED
            for key in commit.cause["keys"]
        )
        return [
            None
            if commit.cause is None
            else decode_cause(commit.cause, keys, shop=commit.shop, commit=commit.id)
            for commit in commits
        ]

    async def _keys_of(self, ids: Iterable[str]) -> Mapping[str, Key]:
        wanted = set(ids)
        if not wanted:
            return NO_KEYS
        if self._keys is None:
            raise KeysUnavailable(reason="this process reads without a keyring")
        return await self._keys.to_open(wanted)


def _sealed(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The slot of an event, if it needs a key to be opened."""
    slot: Mapping[str, Any] | None = document.get("sealed")
    if slot is None or slot["scheme"] != SEALED or slot["fields"] is None:
        return None
    return slot


def _key_ids(commits: Sequence[Commit], types: Collection[str] | None) -> Iterator[str]:
    """The keys of the events of these types."""
    if types is not None and not types:
        return
    for commit in commits:
        for document in commit.documents:
            if (types is None or document["type"] in types) and (slot := _sealed(document)):
                yield slot["key"]


def _recorded(
    commit: Commit,
    index: int,
    document: Mapping[str, Any],
    catalogue: Catalogue,
    keys: Mapping[str, Key],
    *,
    opened: bool,
) -> Recorded:
    event = decode(
        document, catalogue, keys, shop=commit.shop, commit=commit.id, index=index, opened=opened
    )
    return Recorded(
        commit.shop,
        commit.position,
        commit.seq + index + 1,
        f"{commit.id}/{index}",
        document["stream"],
        document["version"],
        document["occurred_at"],
        commit.recorded_at,
        commit.source,
        commit.actor,
        event,
        document.get("told_at"),
    )


async def in_batches(commits: AsyncIterator[Commit], size: int) -> AsyncIterator[list[Commit]]:
    """The commits, `size` of them at a time, for callers that decode in bulk."""
    batch: list[Commit] = []
    async for commit in commits:
        batch.append(commit)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
