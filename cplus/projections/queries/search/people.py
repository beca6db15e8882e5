"""Finding people by what they are called, where they are reached, and what they ordered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cplus.projections.base import Row
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.models.orders import ORDERS
from cplus.projections.models.persons import kind_of, texts_of
from cplus.projections.queries.customers import KINDS, CustomerQueries
from cplus.projections.queries.paging import bounded, cursor_at, newest_first
from cplus.projections.queries.persons import Family, load_families
from cplus.projections.queries.read_models import PAGE
from cplus.projections.queries.search.marks import say_all
from cplus.projections.queries.search.scan import CHUNK, conditions_of, rarest
from cplus.projections.queries.views import Customer, CustomerKind, Page
from cplus.projections.rows import key_of, row_ids
from cplus.projections.words import Phrase

_BY_WORD: Final = [("shop", 1), ("words", 1), ("changed_at", -1), ("_id", -1)]
_BY_NEWS: Final = [("shop", 1), ("lists", 1), ("changed_at", -1), ("_id", -1)]
_ORDERS: Final = 20  # orders of one name, whose persons are looked at


class PeopleQueries(CustomerQueries):
    """Questions about persons, and which of them somebody searches for."""

    async def find_people(
        self,
        shop: str,
        phrases: Sequence[Phrase],
        kind: CustomerKind = "all",
        cursor: str | None = None,
        limit: int = PAGE,
    ) -> Page[Customer]:
        """Persons whose names, addresses or phone numbers have all the phrases, those with the
        latest news first. A page may hold fewer than `limit` before the end."""
        limit = bounded(limit)
        behind = newest_first("changed_at", shop, cursor)
        rows = await self._rows(CUSTOMERS)
        lead = await rarest(rows, {"shop": shop}, conditions_of(phrases), _BY_WORD)
        if lead is None:
            return Page([], None)
        index, walked = _BY_WORD, {"shop": shop, **lead.leads, **behind}
        rest = lead.rest
        if not (lead.few or isinstance(lead.leads["words"], str)):
            # So many words begin like that that those with the latest news are likely to have one.
            index, walked = _BY_NEWS, {"shop": shop, "lists": kind, **behind}
            rest = [*rest, lead.leads]
        found = await self._mongo.aggregate(
            rows,
            [
                {"$match": walked},
                {"$sort": {"changed_at": -1, "_id": -1}},
                {"$limit": CHUNK},
                *([{"$match": {"$and": rest}}] if rest else []),
                {"$limit": limit + 1},
            ],
            hint=dict(index),
        )
        last = found[limit - 1] if len(found) > limit else None
        if last is None and not lead.few:
            # It walked as far as it may; what is behind that comes with the next page.
            sort = [("changed_at", -1), ("_id", -1)]
            cursor_ = rows.find(walked, {"shop": 1, "changed_at": 1}, sort=sort, hint=index)
            reached = await cursor_.skip(CHUNK - 1).limit(1).to_list(1)
            last = reached[0] if reached else None
        shown = await self._shown(shop, found[:limit], phrases, kind)
        return Page(shown, cursor_at("changed_at", last) if last else None)

    async def people_of_order(self, shop: str, name: str) -> Sequence[Customer]:
        """Who placed the order of this name, as Shopify shows it: with or without its `#`."""
        plain = name.strip().lstrip("#")
        if not plain:
            return []
        names = {plain, f"#{plain}", plain.upper(), f"#{plain.upper()}"}
        orders = await self._rows(ORDERS)
        wanted = {"shop": shop, "name": {"$in": sorted(names)}}
        found = await orders.find(wanted, {"person": 1}).limit(_ORDERS).to_list(_ORDERS)
        persons = {row["person"] for row in found if row.get("person")}
        rows = await self._rows(CUSTOMERS)
        known = await rows.find({"_id": {"$in": row_ids(shop, persons)}}).to_list(None)
        return await self._shown(shop, known, (), "all")

    async def _shown(
        self, shop: str, found: Sequence[Row], phrases: Sequence[Phrase], kind: CustomerKind
    ) -> list[Customer]:
        rows = {key_of(row): row for row in found}
        families = await load_families(await self._rows(CUSTOMERS), shop, rows)
        chosen: dict[str, Family] = {}
        for person, row in rows.items():
            family = families[person]
            if kind_of(family.row) in KINDS[kind] and _has_all(row, phrases):
                chosen.setdefault(family.person, family)
        return await self._views(shop, list(chosen.values()))


def _has_all(row: Mapping[str, Any], phrases: Sequence[Phrase]) -> bool:
    """Whether the row says all of it. The index has told that of single words."""
    checked = [one for one in phrases if len(one.units) > 1]
    return say_all(texts_of(row) if checked else (), checked)
