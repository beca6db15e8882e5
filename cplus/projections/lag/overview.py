"""Who is behind the log, among very many shops, in memory that does not grow with their number.

Nearly every reader of nearly every shop stands at the end of the log. The database says where one
does not, and only of those shops are the checkpoints read. The heads are read some shops at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cplus.clock import Clock, utc_now
from cplus.events.log.store import EventStore
from cplus.mongo import Database, Mongo
from cplus.projections.base import Projection
from cplus.projections.lag.lag import Lag, lags_of, pages_of_heads, readers_of
from cplus.projections.lag.reader_positions import LogReader, Reaction
from cplus.projections.lag.sums import Tally, Worst
from cplus.subscriptions.checkpoints import CHECKPOINTS, Parked, checkpoint_id


@dataclass(slots=True)
class ShopLag:
    """One shop, and how far its readers are."""

    shop: str
    position: int
    """The last of its log."""
    lags: dict[str, Lag] = field(default_factory=dict)
    """How far each reader is, by its collection."""

    @property
    def behind(self) -> int:
        """Events that the reader furthest behind has not seen; what is only being filled is
        read by nobody."""
        return max((one.behind for one in self.lags.values() if one.filled), default=0)

    @property
    def parked(self) -> list[Lag]:
        """The parked readers."""
        return [one for one in self.lags.values() if one.parked]


@dataclass(frozen=True, slots=True)
class Standstill:
    """All readers that are parked in one shop at one event for one reason."""

    shop: str
    parked: Parked
    """Of the reader that was parked first."""
    read: Sequence[str]
    """Collections that are read, the reactions among them."""
    unread: Sequence[str]
    """Generations that nobody reads."""


@dataclass(frozen=True, slots=True)
class Overview:
    """All shops in numbers, and those that need somebody first one by one."""

    readers: Sequence[LogReader]
    shops: int
    commits: int
    behind: int
    """Shops in which a reader that is in use is behind."""
    parked: int
    """Shops in which a reader is parked."""
    lines: Sequence[ShopLag]
    """The parked first, then those furthest behind, then by name."""


async def late_shops(
    mongo: Mongo, collections: Collection[str], heads: Mapping[str, int]
) -> set[str]:
    """Those shops of a page of heads where the reader of one of the collections has not come to the
    head, or has not begun."""
    if not collections:
        return set()
    ids = [f"{collection}/{shop}" for collection in sorted(collections) for shop in heads]
    rows = await mongo.aggregate(
        mongo.database[CHECKPOINTS],
        [
            {"$match": {"_id": {"$in": ids}}},
            {"$group": {"_id": "$shop", "at": {"$min": "$position"}, "of": {"$sum": 1}}},
        ],
    )
    there = {row["_id"] for row in rows
             if row["of"] == len(collections) and row["at"] >= heads[row["_id"]]}  # fmt: skip
    return heads.keys() - there


async def late_readers(
    database: Database, collections: Collection[str], heads: Mapping[str, int]
) -> dict[str, set[str]]:
    """By shop of a page of heads, those of the collections whose reader has not come to the head,
    or has not begun."""
    found: dict[str, set[str]] = {}
    ids = [f"{collection}/{shop}" for collection in collections for shop in heads]
    rows = database[CHECKPOINTS].find({"_id": {"$in": ids}}, {"position": 1})
    at = {row["_id"]: row["position"] for row in await rows.to_list(None)}
    for shop, head in heads.items():
        late = {one for one in collections if at.get(f"{one}/{shop}", -1) < head}
        if late:
            found[shop] = late
    return found


async def worst(
    mongo: Mongo,
    store: EventStore,
    projections: Sequence[Projection],
    clock: Clock = utc_now,
    *,
    reactions: Sequence[Reaction] = (),
) -> list[Worst]:
    """What is worst for each projection and each reaction, but for generations that were never
    read: one entry each, also where there is no shop."""
    readers = await readers_of(mongo.database, projections, reactions)
    readers = [reader for reader in readers if reader.filled]
    found = {name: Tally() for name in [one.name for one in [*projections, *reactions]]}
    async for heads in pages_of_heads(store):
        for reader in readers:
            found[reader.name].of += len(heads)
        for one in await _late(mongo, store, readers, heads, clock):
            found[one.projection].add(one)
    return [Worst.of(name, tally) for name, tally in found.items()]


async def overview(
    mongo: Mongo,
    store: EventStore,
    projections: Sequence[Projection],
    clock: Clock = utc_now,
    *,
    reactions: Sequence[Reaction] = (),
    shops: Collection[str] | None = None,
    most: int,
) -> Overview:
    """All shops of the log, or those of `shops` that have one; `most` of them one by one."""
    readers = await readers_of(mongo.database, projections, reactions)
    count = commits = behind = parked = 0
    lines: list[ShopLag] = []
    rest: dict[str, int] = {}  # the first shops in which nothing is late, should there be room
    async for heads in pages_of_heads(store, shops):
        count, commits = count + len(heads), commits + sum(heads.values())
        some = _lines(await _late(mongo, store, readers, heads, clock))
        behind += sum(line.behind > 0 for line in some)
        parked += sum(bool(line.parked) for line in some)
        lines = sorted([*lines, *some], key=_urgent)[:most]
        on_time = sorted(heads.keys() - {line.shop for line in some})
        rest |= {shop: heads[shop] for shop in on_time[: most - len(rest)]}
    if room := dict(list(rest.items())[: most - len(lines)]):
        lines += _lines(await lags_of(mongo, store, readers, room, clock))
    return Overview(readers, count, commits, behind, parked, sorted(lines, key=_urgent))


async def _late(
    mongo: Mongo,
    store: EventStore,
    readers: Sequence[LogReader],
    heads: Mapping[str, int],
    clock: Clock,
) -> list[Lag]:
    """Everything on the shops of a page of heads where something that is read is behind, or
    anything is parked."""
    late = await late_shops(mongo, [one.collection for one in readers if one.filled], heads)
    for reader in readers:
        if not reader.filled:  # it is behind nearly everywhere, until it is filled
            late |= await _parked(mongo.database, reader, heads)
    if not late:
        return []
    return await lags_of(mongo, store, readers, {shop: heads[shop] for shop in sorted(late)}, clock)


async def _parked(database: Database, reader: LogReader, shops: Collection[str]) -> set[str]:
    ids = [checkpoint_id(reader.collection, shop) for shop in shops]
    wanted = {"_id": {"$in": ids}, "parked": {"$ne": None}}
    rows = await database[CHECKPOINTS].find(wanted, {"shop": 1}).to_list(None)
    return {row["shop"] for row in rows}


def stops_of(lines: Iterable[ShopLag]) -> list[Standstill]:
    """The parked readers, one entry for each cause: first those that hold up a generation in use or
    a reaction, else in the order of the lines. Pure."""
    causes: dict[tuple[str, int, str, str], list[tuple[Lag, Parked]]] = {}
    for line in lines:
        for one in line.parked:
            if (at := one.parked) is not None:
                causes.setdefault((line.shop, at.position, at.type, at.reason), []).append(
                    (one, at)
                )
    stops = [
        Standstill(
            shop,
            min((at for _, at in found), key=lambda at: at.since),
            [one.collection for one, _ in found if one.live],
            [one.collection for one, _ in found if not one.live],
        )
        for (shop, *_), found in causes.items()
    ]
    return sorted(stops, key=lambda stop: not stop.read)


def _lines(part: Sequence[Lag]) -> list[ShopLag]:
    lines: dict[str, ShopLag] = {}
    for one in part:
        line = lines.setdefault(one.shop, ShopLag(one.shop, one.head))
        line.lags[one.collection] = one
    return list(lines.values())


def _urgent(line: ShopLag) -> tuple[bool, int, str]:
    return not line.parked, -line.behind, line.shop
