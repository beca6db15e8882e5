"""Counting the rows of a shop: the numbers that its checkpoint holds beside the position."""

from __future__ import annotations

from collections.abc import Mapping

from cplus.mongo import Collection
from cplus.projections.base import Counts, Projection, Row, Rows
from cplus.projections.rows import key_of, row_ids


def counts_of(projection: Projection, rows: Mapping[str, Row]) -> dict[str, int] | None:
    """The counts of all rows of a shop; None if the projection has none. Pure."""
    return None if projection.counts is None else _filled(projection.counts.of(rows))


async def counts_after(
    collection: Collection,
    shop: str,
    counts: Counts,
    known: Mapping[str, int],
    before: Rows,
    changed: Rows,
) -> dict[str, int]:
    """The counts once rows have changed, from those that are `known`. `before` has the changed rows
    as they are stored in the collection. Asks the database only if one of them is linked."""
    old = {key: row for key in changed if (row := before.get(key)) is not None}
    new = {key: row for key, row in changed.items() if row is not None}
    if counts.links:
        linked = {key: row for key, row in (old | new).items() if row[counts.linked]}
        if linked:
            found = await load_linked(collection, shop, linked, counts)
            others = {key: row for key, row in found.items() if key not in changed}
            old, new = old | others, new | others
    added, taken = counts.of(new), counts.of(old)
    names = known.keys() | added.keys() | taken.keys()
    return _filled(
        {name: known.get(name, 0) + added.get(name, 0) - taken.get(name, 0) for name in names}
    )


async def load_linked(
    collection: Collection, shop: str, known: Mapping[str, Row], counts: Counts
) -> dict[str, Row]:
    """The rows that are known, with those that they are linked to, directly or through others."""
    rows = dict(known)
    new = {key for key, row in rows.items() if row[counts.linked]}
    while new:
        targets = {other for key in new for other in rows[key][counts.links]} - rows.keys()
        cursor = collection.find(
            {
                "$or": [
                    {"_id": {"$in": row_ids(shop, targets)}},
                    {"shop": shop, counts.links: {"$in": sorted(new)}},
                ]
            }
        )
        found = {key_of(row): row for row in await cursor.to_list(None)}
        new = found.keys() - rows.keys()
        rows.update({key: found[key] for key in new})
    return rows


def _filled(counts: Mapping[str, int]) -> dict[str, int]:
    """In one order and without what is 0: equal counts are equal documents."""
    return {name: counts[name] for name in sorted(counts) if counts[name]}
