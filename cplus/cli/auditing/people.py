"""People as operators name them to commands."""

from __future__ import annotations

from cplus.cli.connecting import Reached


async def persons_named(at: Reached, shop: str, named: str) -> list[str]:
    """Every id (`person/...`) of somebody of whom the shop's log knows, by one of their ids or by
    an address. Raises NotFound, and SettingMissing if an address cannot be looked for."""
    from cplus.errors import NotFound
    from cplus.events.audit.questions import all_ids
    from cplus.events.names import is_person
    from cplus.projections.queries import Queries

    ids = [named]
    if "@" in named:
        ids = await at.parts.persons.find(shop, named)
    logged = [one for one in ids if is_person(one) and await at.store.by_ref(shop, one, 1)]
    if not logged:
        raise NotFound(what="person")
    known = await Queries(at.mongo).customer(shop, logged[0])
    found = [*logged, *ids, *(known.customer.persons if known else ())]
    # The read model may be parked or behind: whom they absorbed stands in the log itself.
    return await all_ids(at.store, at.reader, shop, found)
