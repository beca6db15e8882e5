"""Erases once more, on a database that was restored from a backup, what was erased since."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Final

from cplus.privacy.erasing.asking import ask, ask_for_shop
from cplus.privacy.erasing.procedure import Erasing, erase
from cplus.privacy.erasing.shops import ErasingShops, erase_shop_at_once
from cplus.privacy.ledger import Erased

SOURCE: Final = "ledger"
"""The source of commits that ask for an erasure once more."""


async def reapply(
    entries: Iterable[Erased], *, actor: str, use: Erasing, shops: ErasingShops
) -> AsyncIterator[Erased]:
    """Erases whomever the ledger names, and yields the entry of each erasure that was done; those
    of shops of which this database has no log are passed over.

    Repeatable, also on a database that lost nothing: it names what is missing in the log, and
    destroys whatever keys are there. Raises as `erase` does: then call it again.
    """
    for entry in _whole(entries):
        if not (await use.recorder.store.head(entry.shop)).position:
            continue
        if entry.persons:
            await _person(entry, actor, use)
        else:
            await _shop(entry, actor, shops)
        yield entry


def _whole(entries: Iterable[Erased]) -> list[Erased]:
    """One entry for each erasure, with all ids that any of its entries has."""
    found: dict[tuple[str, str], Erased] = {}
    for entry in entries:
        before = found.get((entry.shop, entry.erasure), entry)
        persons = tuple(dict.fromkeys((*before.persons, *entry.persons)))
        found[entry.shop, entry.erasure] = before.with_persons(persons)
    return list(found.values())


async def _person(entry: Erased, actor: str, use: Erasing) -> None:
    first, *others = entry.persons
    await ask(
        use.recorder,
        entry.shop,
        first,
        erasure=entry.erasure,
        source=SOURCE,
        actor=actor,
        at=use.clock(),
    )
    await erase(entry.shop, entry.erasure, use=use, also=others)


async def _shop(entry: Erased, actor: str, use: ErasingShops) -> None:
    shop, erasure, now = entry.shop, entry.erasure, use.clock()
    await ask_for_shop(use.recorder, shop, erasure=erasure, source=SOURCE, actor=actor, at=now)
    await erase_shop_at_once(shop, erasure, use=use)
