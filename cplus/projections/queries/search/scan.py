"""Walks the index of words, newest first and never further than one answer may take.

Of the words that a message must have, the rarest leads: its place in the index is walked, and the
others are looked up in the rows. A row is small, so this costs about 3 µs for each. Where all of
them are frequent, a step walks CHUNK rows and says how far it came.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from cplus.mongo import Collection, Mongo
from cplus.projections.words import Phrase

FEW: Final = 2_000
"""Rows that can be walked without counting further, or sorted."""
CHUNK: Final = 5_000
"""Rows that one step walks at most."""
_COUNTED: Final = 16
"""Words that are counted to find the rarest."""
_BEHIND: Final = "\U0010ffff"  # behind every character

Condition = Mapping[str, Any]
Index = list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Window:
    """Between which orders of rows is searched: from `low` to before `below`."""

    low: int | None = None
    below: int | None = None

    @property
    def condition(self) -> Condition:
        """As a filter."""
        told = {"$gte": self.low, "$lt": self.below}
        bounds = {name: value for name, value in told.items() if value is not None}
        return {"order": bounds} if bounds else {}


@dataclass(frozen=True, slots=True)
class Row:
    """A message that has all the words."""

    key: str
    conversation_id: str
    order: int


@dataclass(frozen=True, slots=True)
class Step:
    """What a step found, and from where the next one goes on."""

    rows: Sequence[Row]
    below: int | None
    """Orders from here on were searched; None if everything was."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How rows with all the words are found."""

    leads: Condition
    """What the index that is walked is asked for."""
    rest: Sequence[Condition]
    index: Index
    few: bool
    """Whether there are no more than FEW rows to walk."""


def conditions_of(phrases: Sequence[Phrase]) -> list[Condition]:
    """What the words of a row must be, the longest first, each once."""
    exact = {word for phrase in phrases for word in phrase.exact}
    begins = {word for phrase in phrases for word in phrase.beginnings}
    whole = sorted(exact, key=lambda word: (-len(word), word))
    return [{"words": word} for word in whole] + [_beginning(word) for word in sorted(begins)]


def _beginning(word: str) -> Condition:
    # Of one and the same word: two bounds alone may be met by two.
    return {"words": {"$elemMatch": {"$gte": word, "$lt": word + _BEHIND}}}


@dataclass(frozen=True, slots=True)
class Lead:
    """Which of several conditions leads a walk of the index, and those that are left."""

    leads: Condition
    rest: Sequence[Condition]
    few: bool


async def rarest(
    rows: Collection, here: Condition, conditions: Sequence[Condition], index: Index
) -> Lead | None:
    """The condition that the fewest rows meet; None if no row meets all of them."""
    counted = conditions[:_COUNTED]
    counts = await asyncio.gather(
        *(rows.count_documents({**here, **one}, limit=FEW + 1, hint=index) for one in counted)
    )
    if not conditions or 0 in counts:
        return None
    fewest = min(range(len(counted)), key=lambda number: (counts[number], number))
    rest = [one for number, one in enumerate(conditions) if number != fewest]
    return Lead(counted[fewest], rest, counts[fewest] <= FEW)


async def plan(
    rows: Collection, shop: str, phrases: Sequence[Phrase], window: Window, among: Sequence[str]
) -> Plan | None:
    """The cheapest way; None if no row has all the words. `among` are the conversations that are
    searched, where they are known to be few; empty for all."""
    conditions = conditions_of(phrases)
    lead = await rarest(rows, {"shop": shop, **window.condition}, conditions, _BY_WORD)
    if lead is None:
        return None
    if among and not lead.few:
        chosen = {"shop": shop, "conversation_id": {"$in": list(among)}}
        return Plan(chosen, conditions, _BY_CONVERSATION, few=True)
    if lead.few or isinstance(lead.leads["words"], str):
        return Plan({"shop": shop, **lead.leads}, lead.rest, _BY_WORD, lead.few)
    # So many words begin like that that the newest rows are likely to have one.
    return Plan({"shop": shop}, conditions, _BY_ORDER, few=False)


_BY_WORD: Final[Index] = [("shop", 1), ("words", 1), ("order", -1)]
_BY_ORDER: Final[Index] = [("shop", 1), ("order", -1)]
_BY_CONVERSATION: Final[Index] = [("shop", 1), ("conversation_id", 1)]


async def step(
    mongo: Mongo, rows: Collection, way: Plan, window: Window, files: bool, most: int
) -> Step:
    """The next rows of the plan, at most `most`."""
    rest = [*way.rest, *([{"files": True}] if files else [])]
    pipeline: list[dict[str, Any]] = [
        {"$match": {**way.leads, **window.condition}},
        {"$sort": {"order": -1}},
    ]
    if not way.few:
        pipeline.append({"$limit": CHUNK})
    if rest:
        # Behind a $limit it stays a filter: the server takes no other word to lead.
        pipeline += [{"$limit": _ALL}] if way.few else []
        pipeline.append({"$match": {"$and": rest}})
    pipeline += [{"$limit": most}, {"$project": {"conversation_id": 1, "order": 1, "shop": 1}}]
    found = await mongo.aggregate(rows, pipeline, hint=dict(way.index))
    there = [_row(one) for one in found]
    if len(there) == most:
        return Step(there, there[-1].order)
    if way.few:
        return Step(there, None)
    return Step(there, await _reached(rows, way, window))


_ALL: Final = 1_000_000


def _row(document: Mapping[str, Any]) -> Row:
    key = document["_id"].removeprefix(f"{document['shop']}/")
    return Row(key, document["conversation_id"], document["order"])


async def _reached(rows: Collection, way: Plan, window: Window) -> int | None:
    """The order of the last row that a step walked; None if there were fewer than it may walk."""
    last = rows.find(
        {**way.leads, **window.condition},
        {"_id": 0, "order": 1},
        sort=[("order", -1)],
        hint=way.index,
    )
    found = await last.skip(CHUNK - 1).limit(1).to_list(1)
    return found[0]["order"] if found else None


def below(window: Window, order: int) -> Window:
    """The rest of the window, behind that order."""
    return replace(window, below=order)
