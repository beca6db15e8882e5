"""Checkpoints: how far each projection and each reaction has read the log of each shop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from cplus.mongo import Database, DuplicateKeyError, IndexModel, ids_of
from cplus.subscriptions.stored_counts import counts_of_document, document_of_counts

CHECKPOINTS = "checkpoints"


class Subscriber(Protocol):
    """A projection or reaction: its checkpoints have the `_id` `<collection>/<shop>`."""

    @property
    def name(self) -> str:
        """What its checkpoints name in `projection`."""
        ...

    @property
    def collection(self) -> str:
        """Where a projection's rows are; a reaction has none, and this is its name."""
        ...


class VersionedSubscriber(Subscriber, Protocol):
    """A subscriber whose checkpoints this code moves: a projection, or a reaction."""

    @property
    def version(self) -> int:
        """What its checkpoints name in `version`."""
        ...


@dataclass(frozen=True, slots=True)
class Parked:
    """Why a projection or reaction is parked in front of a commit."""

    position: int
    """Of the commit that it cannot fold or hand out; the checkpoint is the one before."""
    type: str
    """The stored type of the event at fault; empty if the rows are."""
    reason: str
    """`unknown_type`, or the class name of what was raised. Never data."""
    since: datetime
    tries: int = 0
    """How often a reaction tried it and failed: it waits for `cplus projections unpark`. With 0,
    the code cannot read the commit: other code goes on by itself."""

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> Parked | None:
        """What is stored in a checkpoint."""
        if stored is None:
            return None
        return cls(
            stored["position"],
            stored["type"],
            stored["reason"],
            stored["since"],
            stored.get("tries", 0),
        )

    def document(self) -> dict[str, Any]:
        """As it is stored."""
        stored = {
            "position": self.position,
            "type": self.type,
            "reason": self.reason,
            "since": self.since,
        }
        return {**stored, "tries": self.tries} if self.tries else stored


@dataclass(frozen=True, slots=True)
class Retry:
    """What a reaction failed on and tries again."""

    position: int
    """Of the commit; the checkpoint is the one before."""
    type: str
    """The stored type of the event."""
    reason: str
    """The class name of what was raised last. Never data."""
    tries: int
    """How often it was tried so far."""
    since: datetime
    """When it failed first."""
    next_at: datetime
    """The reaction is not tried again before this moment."""

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> Retry | None:
        """What is stored in a checkpoint."""
        return None if stored is None else cls(**stored)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far one projection or reaction is in one shop."""

    position: int = 0
    seq: int = 0
    """Events up to and with the commit at `position`."""
    parked: Parked | None = None
    term: int = 0
    """Of the generations' leaders: the last term known to the runner that moved the checkpoint, or
    to a switch. A reaction's is always 0."""
    repairs: int = 0
    """How often rows were repaired in place. A runner that cached rows earlier must reload them."""
    stored: bool = False
    """Whether there is a document of it yet."""
    retry: Retry | None = None
    """What a reaction failed on and tries again; projections have none."""
    counts: Mapping[str, int] | None = None
    """How many rows of each kind there are, by name, without those of which there are none; None
    if nothing has counted them."""

    @classmethod
    def of(cls, document: Mapping[str, Any] | None) -> Checkpoint:
        """The checkpoint that a stored document is; with None, that before the first commit."""
        if document is None:
            return cls()
        return cls(
            document["position"],
            document["seq"],
            Parked.of(document["parked"]),
            document.get("term", 0),
            document.get("repairs", 0),
            stored=True,
            retry=Retry.of(document.get("retry")),
            counts=counts_of_document(document),
        )

    def stopped(
        self, position: int, seq: int, type_: str, reason: str, now: datetime, tries: int = 0
    ) -> Checkpoint:
        """Parked right in front of the commit at `position`, before which the shop has `seq`
        events: since `now`, or since it first stood there for that reason."""
        parked = Parked(position, type_, reason, now, tries)
        known = self.parked
        if known is not None and replace(known, since=now) == parked:
            parked = known
        return replace(self, position=position - 1, seq=seq, parked=parked, retry=None)


_FIRST = Checkpoint()


class Fenced(Exception):
    """Another worker moved the checkpoint."""


def checkpoint_id(collection: str, shop: str) -> str:
    """The `_id` of the checkpoint in one shop of the projection or reaction of this collection."""
    return f"{collection}/{shop}"


async def read_checkpoint(database: Database, subscriber: Subscriber, shop: str) -> Checkpoint:
    """The checkpoint as a majority has it."""
    _id = checkpoint_id(subscriber.collection, shop)
    return Checkpoint.of(await database[CHECKPOINTS].find_one({"_id": _id}))


async def read_checkpoints(
    database: Database, subscribers: Sequence[Subscriber], shops: Sequence[str] | None = None
) -> dict[tuple[str, str], Checkpoint]:
    """The checkpoints of the subscribers in all shops, or in these, by (collection, shop)."""
    wanted = {subscriber.collection for subscriber in subscribers}
    asked: dict[str, Any] = {
        "projection": {"$in": sorted({subscriber.name for subscriber in subscribers})}
    }
    if shops is not None:
        asked["shop"] = {"$in": list(shops)}
    cursor = database[CHECKPOINTS].find(asked)
    return {
        (collection, row["shop"]): Checkpoint.of(row)
        for row in await cursor.to_list(None)
        if (collection := row["_id"].partition("/")[0]) in wanted
    }


async def begin_checkpoint(
    database: Database,
    subscriber: VersionedSubscriber,
    shop: str,
    now: datetime,
    at: Checkpoint = _FIRST,
) -> Checkpoint:
    """Writes the checkpoint `at` (the default is before the first commit) if there is none yet;
    answers the one that is stored. Inserted and never upserted, so that of two workers that begin,
    one finds the checkpoint of the other."""
    made = {
        "_id": checkpoint_id(subscriber.collection, shop),
        "projection": subscriber.name,
        "version": subscriber.version,
        "shop": shop,
        "position": at.position,
        "seq": at.seq,
        "parked": at.parked.document() if at.parked else None,
        "term": 0,
        "updated_at": now,
    }
    if at.counts is not None:
        made["counts"] = document_of_counts(at.counts, at.position, 0)
    try:
        await database[CHECKPOINTS].insert_one(made)
    except DuplicateKeyError:
        return await read_checkpoint(database, subscriber, shop)
    return Checkpoint.of(made)


async def move_checkpoint(
    database: Database,
    subscriber: Subscriber,
    shop: str,
    before: Checkpoint,
    after: Checkpoint,
    now: datetime,
    session: Any = None,
) -> None:
    """Writes `after` if the stored checkpoint is still `before`, in the same term and with no
    repair since; else raises Fenced."""
    fields: dict[str, Any] = {
        "position": after.position,
        "seq": after.seq,
        "parked": after.parked.document() if after.parked else None,
        "term": after.term,
        "updated_at": now,
    }
    if after.counts is not None:
        fields["counts"] = document_of_counts(after.counts, after.position, before.repairs)
    if before.retry or after.retry:
        fields["retry"] = asdict(after.retry) if after.retry else None
    answer = await database[CHECKPOINTS].update_one(
        _standing(subscriber, shop, before),
        {"$set": fields},
        session=session,
    )
    if answer.matched_count == 0:
        raise Fenced


async def count_repair(
    database: Database,
    subscriber: Subscriber,
    shop: str,
    at: Checkpoint,
    counts: Mapping[str, int] | None,
    session: Any,
) -> None:
    """Counts that rows are repaired in place, if the checkpoint is still `at`; else raises Fenced.
    A worker that read it before is fenced from then on. `counts` are those of the repaired rows."""
    change: dict[str, Any] = {"$inc": {"repairs": 1}}
    if counts is not None:
        change["$set"] = {"counts": document_of_counts(counts, at.position, at.repairs + 1)}
    answer = await database[CHECKPOINTS].update_one(
        _standing(subscriber, shop, at), change, session=session
    )
    if answer.matched_count == 0:
        raise Fenced


def _standing(subscriber: Subscriber, shop: str, at: Checkpoint) -> dict[str, Any]:
    """Finds the document while it is what was read. Older documents lack fields that were added
    later: a missing one counts as 0."""
    return {
        "_id": checkpoint_id(subscriber.collection, shop),
        "position": at.position,
        "term": at.term or {"$in": [0, None]},
        "repairs": at.repairs or {"$in": [0, None]},
        # If two workers fail on one commit, each counts its own try.
        "retry.tries": at.retry.tries if at.retry else None,
    }


async def mark(database: Database, collection: str, term: int) -> None:
    """Writes the term to every checkpoint of the collection, each in a write of its own: a runner
    that read one before is fenced, and has to ask which generation leads."""
    await database[CHECKPOINTS].update_many(
        {"_id": ids_of(collection), "term": {"$not": {"$gte": term}}}, {"$set": {"term": term}}
    )


async def checkpoints_of(database: Database, collection: str) -> dict[str, Checkpoint]:
    """The checkpoints of the collection, by shop."""
    rows = await database[CHECKPOINTS].find({"_id": ids_of(collection)}).to_list(None)
    return {row["shop"]: Checkpoint.of(row) for row in rows}


async def ensure_indexes(database: Database) -> None:
    """Makes the indexes of the checkpoints."""
    await database[CHECKPOINTS].create_indexes(
        [
            IndexModel([("shop", 1), ("projection", 1)], name="shops"),
            IndexModel([("projection", 1), ("shop", 1)], name="projections"),
            IndexModel([("retry.next_at", 1)], name="retries", sparse=True),
        ]
    )
