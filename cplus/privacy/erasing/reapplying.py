"""Erases once more, on a database that was restored from a backup, what was erased since."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple

from cplus.errors import NotFound
from cplus.events.aggregates.shop import Shop
from cplus.events.audit.roots import Roots
from cplus.events.names import erasure_claim, shop_stream
from cplus.privacy.erasing.asking import ask, ask_for_shop, asked_for
from cplus.privacy.erasing.folded import RowsBehind
from cplus.privacy.erasing.procedure import Erasing, erase
from cplus.privacy.erasing.shops import INSTALLED_AGAIN, ErasingShops, erase_shop_at_once
from cplus.privacy.ledger import SHOP, Erased, Stored

SOURCE: Final = "ledger"
"""The source of commits that ask for an erasure once more."""

NO_LOG: Final = "this database has no log of the shop"
INSTALLED_SINCE: Final = "the app was installed after the shop was erased"


@dataclass(slots=True)
class Believed:
    """The entries of the ledger, and what speaks for them."""

    entries: list[Erased] = field(default_factory=list)
    """Those that count."""
    not_covered: list[str] = field(default_factory=list)
    """Keys of those among them that no root covers yet."""
    refused: list[str] = field(default_factory=list)
    """What is wrong with each of the others, with its key."""

    def take(self, stored: Stored, roots: Roots, now: datetime) -> None:
        """Takes an entry if it is what a root covers, or younger than the last root. Who may write
        to the bucket must not be able to have anybody erased by an entry of before."""
        digest = roots.erasures.get(stored.key)
        try:
            entry = stored.entry()
        except ValueError as error:
            self.refused.append(str(error))
            return
        last = max((day for day in roots.days if day <= now.date()), default=None)
        if digest is None and last is not None and entry.at.astimezone(UTC).date() < last:
            self.refused.append(f"{stored.key} is older than the last root, and no root covers it")
        elif digest is None and entry.at > now:
            self.refused.append(f"{stored.key} is of a time that is not yet")
        elif digest not in (None, hashlib.sha256(stored.raw).digest()):
            self.refused.append(f"{stored.key} is not what its root covers")
        else:
            self.entries.append(entry)
            if digest is None:
                self.not_covered.append(stored.key)


class Reapplied(NamedTuple):
    """What became of an entry."""

    entry: Erased
    passed_over: str | None
    """Why it was not erased again; None if it was."""


async def reapply(
    entries: Iterable[Erased], *, actor: str, use: Erasing, shops: ErasingShops
) -> AsyncIterator[Reapplied]:
    """Erases whomever the ledger names, and yields what became of each erasure: those of shops of
    which this database has no log are passed over, and shops that were installed since.

    Repeatable, also on a database that lost nothing: it names what is missing in the log, and
    destroys whatever keys are there. Raises as `erase` does: then call it again.
    """
    for entry in _whole(entries):
        passed_over = None
        if not (await use.recorder.store.head(entry.shop)).position:
            passed_over = NO_LOG
        elif entry.kind == SHOP:
            passed_over = await _shop(entry, actor, shops)
        else:
            await _person(entry, actor, use)
        yield Reapplied(entry, passed_over)


def _whole(entries: Iterable[Erased]) -> list[Erased]:
    """One entry for each erasure, the first, with all ids that any of its entries has."""
    found: dict[tuple[str, str, str], Erased] = {}
    for entry in sorted(entries, key=lambda one: one.at):
        name = (entry.kind, entry.shop, entry.erasure)
        before = found.get(name, entry)
        persons = tuple(dict.fromkeys((*before.persons, *entry.persons)))
        found[name] = before.with_persons(persons)
    return list(found.values())


async def _person(entry: Erased, actor: str, use: Erasing) -> None:
    first, *others = entry.persons
    try:
        await asked_for(use.recorder.store, use.recorder.reader, entry.shop, entry.erasure)
    except NotFound:  # it was asked for after the backup was made
        await ask(
            use.recorder,
            entry.shop,
            first,
            erasure=entry.erasure,
            source=SOURCE,
            actor=actor,
            at=use.clock(),
        )
    # Rows of a backup follow when the functions run: `erase` completes it, being asked for anew.
    with suppress(RowsBehind):
        await erase(entry.shop, entry.erasure, use=use, also=others)


async def _shop(entry: Erased, actor: str, use: ErasingShops) -> str | None:
    """Erases the shop again, unless it was installed since; then it answers that."""
    shop, erasure, recorder = entry.shop, entry.erasure, use.recorder
    # With its erasure in the log, only what was recorded before that is erased.
    if await recorder.store.by_claim(shop, erasure_claim(erasure, "shop")) is None:
        known: Shop = await recorder.load(Shop, shop, shop_stream(shop))
        installs = (known.installed_at, await use.saved_at(shop))
        erased_at = entry.erased_at or entry.at
        if any(at is not None and at > erased_at for at in installs):
            return INSTALLED_SINCE
    await ask_for_shop(recorder, shop, erasure=erasure, source=SOURCE, actor=actor, at=use.clock())
    return None if await erase_shop_at_once(shop, erasure, use=use) else INSTALLED_AGAIN
