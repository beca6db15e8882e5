"""People as operators name them to commands."""

from __future__ import annotations

from cplus.cli.connecting import Reached


async def persons_named(at: Reached, shop: str, named: str) -> list[str]:
    """Every id (`person/...`) of somebody of whom the shop's log knows, by one of their ids or by
    an address. Raises NotFound, and SettingMissing if an address cannot be looked for."""
    from cplus.errors import NotFound
    from cplus.events.names import is_person
    from cplus.privacy.all_ids import AllIds

    ids = [named]
    if "@" in named:
        ids = await at.parts.persons.find(shop, named)
    logged = [one for one in ids if is_person(one) and await at.store.by_ref(shop, one, 1)]
    if not logged:
        raise NotFound(what="person")
    # No read model is asked: it may be parked or behind.
    return await AllIds(at.store, at.reader, at.mongo.keyring)(shop, [*logged, *ids])
