"""Erases a shop that removed the app: everything that is kept about anybody there.

Every step can be repeated: a call that was cut off anywhere is completed by the next one for the
same erasure. What is erased is what was recorded before `privacy.shop_erased`: a merchant who
installs the app again begins anew, also while the rest is still being erased.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import structlog

from cplus.actors import system
from cplus.clock import Clock
from cplus.errors import NotFound
from cplus.events.aggregates.shop import Shop
from cplus.events.base import Recorded
from cplus.events.catalogue.conversations import MessageReceived, ReplyWritten
from cplus.events.catalogue.mail import MailSetAside
from cplus.events.catalogue.privacy import ShopErasureRequested
from cplus.events.log.commit import Commit, Draft
from cplus.events.names import SHOP_ERASED_REF, erasure_claim, erasure_stream, shop_stream
from cplus.events.recording import Recorder
from cplus.events.repository import decided
from cplus.privacy.erasing.listing import objects_of
from cplus.privacy.erasing.procedure import proof
from cplus.privacy.erasing.ways_out import Ledger, Objects
from cplus.privacy.keyring import Keyring
from cplus.privacy.ledger import Erased

log = structlog.get_logger()

INSTALLED_AGAIN: Final = "the app was installed again since the erasure was asked for"

STEPS: Final = (
    *("condemn", "note_persons", "append_erased", "forget", "destroy"),
    *("delete_objects", "forget_tokens", "end_sessions", "write_ledger"),
)
"""The steps, in this order."""

WITH_OBJECTS: Final = (MessageReceived, MailSetAside, ReplyWritten)
"""The events that name objects in clear."""

_COMMITS: Final = 5  # of an erasure that are read to find its request, which is the first
_BATCH: Final = 50  # a cause has up to 256 KB


class ShopDirectory(Protocol):
    """Knows who is who."""

    async def note_shop(self, shop: str, erasure: str, /) -> None:
        """Notes who is known before the erasure is recorded, which may still be declined.
        Repeatable."""

    async def forget_shop(self, shop: str, erasure: str, until: datetime, /) -> None:
        """Forgets everybody of the shop whom the erasure noted, or who was known at that moment.
        Repeatable."""


@dataclass(frozen=True, slots=True)
class ErasingShops:
    """What erasing a shop needs."""

    recorder: Recorder
    keyring: Keyring
    directory: ShopDirectory
    objects: Objects
    ledger: Ledger
    saved_at: Callable[[str], Awaitable[datetime | None]]
    """When the access tokens were stored that there are."""
    forget_tokens: Callable[[str, datetime], Awaitable[None]]
    end_sessions: Callable[[str, datetime], Awaitable[None]]
    clock: Clock
    at_step: Callable[[str], None] = lambda _step: None
    """Called with the name of each step (see STEPS) before it is taken, for tests that crash
    there."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far earlier calls came with the objects, and how the next call is told."""

    after: int
    """The position of the log up to which they are deleted."""
    deleted: int
    """How many objects the log names up to there."""
    note: Callable[[int, int], Awaitable[object]]
    """(after, deleted)"""


async def asked_for_shop(recorder: Recorder, shop: str, erasure: str) -> Recorded | None:
    """What asks for this erasure of the shop; None if there is nothing."""
    commits = await recorder.store.page_of_ref(shop, erasure_stream(erasure), limit=_COMMITS)
    for events in await recorder.reader.read(commits, [ShopErasureRequested]):
        for recorded in events:
            if getattr(recorded.event, "erasure") == erasure:  # noqa: B009  it has one
                return recorded
    return None


async def erase_shop_at_once(shop: str, erasure: str, *, use: ErasingShops) -> bool:
    """As `erase_shop`, all of it in this call. Raises NotFound if it was not asked for."""
    asked = await asked_for_shop(use.recorder, shop, erasure)
    if asked is None:
        raise NotFound(what="erasure")

    async def noted(_after: int, _deleted: int) -> None:
        """There is no next call that would have to be told."""

    return await erase_shop(shop, erasure, asked, use=use, place=Place(0, 0, noted))


async def erase_shop(
    shop: str, erasure: str, asked: Recorded, *, use: ErasingShops, place: Place
) -> bool:
    """Erases the shop, as `asked` says, or completes what an earlier call began; False if the app
    was installed again since it was asked for: then nothing is erased, and the log says why.

    Raises OutcomeUnknown, DecisionOvertaken, and what the parts in `use` raise: then call it again.
    """
    erased = await _erased(shop, erasure, asked, use)
    if not erased.types:
        await use.keyring.absolve_shop(shop, erasure)
        log.info("shop_not_erased", shop=shop, erasure=erasure)
        return False
    until = erased.recorded_at
    # Before the rest, which may take long: if the merchant installs the app again meanwhile, whom
    # an import tells of is somebody new, and not somebody whose key is destroyed.
    use.at_step("forget")
    await use.directory.forget_shop(shop, erasure, until)
    use.at_step("destroy")
    keys = await use.keyring.destroy_shop(shop, erasure, until)
    use.at_step("delete_objects")
    objects = await _delete_objects(shop, erased.position, place, use)
    use.at_step("forget_tokens")
    await use.forget_tokens(shop, until)
    use.at_step("end_sessions")
    await use.end_sessions(shop, until)
    use.at_step("write_ledger")
    commits = (await proof(use.recorder.store, shop, erased.position),)
    entry = Erased(shop, erasure, (), use.clock(), commits, keys, objects, until)
    await use.ledger.write(entry)
    log.info("shop_erased", shop=shop, erasure=erasure, keys=keys, position=erased.position)
    return True


async def _erased(shop: str, erasure: str, asked: Recorded, use: ErasingShops) -> Commit:
    """The commit that erases the shop, or that says why it is not erased, if it has no events."""
    claim = erasure_claim(erasure, "shop")
    seen = (await use.recorder.store.head(shop)).erasures  # before it is looked for: without it
    before = await use.recorder.store.by_claim(shop, claim)
    if before is not None:
        return before
    stands = await _is_installed_since(shop, asked.recorded_at, use)
    if not stands:
        use.at_step("condemn")
        await use.keyring.condemn_shop(shop, erasure, seen)
        use.at_step("note_persons")
        await use.directory.note_shop(shop, erasure)

    async def decide() -> Draft:
        aggregate: Shop = await use.recorder.load(Shop, shop, shop_stream(shop))
        if not stands:
            aggregate.erase(erasure=erasure, asked_at=asked.recorded_at, now=use.clock())
        events = decided(aggregate)
        own = [shop_stream(shop), SHOP_ERASED_REF] if events else []
        return Draft(
            shop=shop,
            claim=claim,
            source="erasure",
            actor=system("erase"),
            events=events,
            refs=[erasure_stream(erasure), *own],
            erases=bool(events),
            reason=None if events else INSTALLED_AGAIN,
        )

    use.at_step("append_erased")
    await use.recorder.record(shop, claim, decide)
    done = await use.recorder.store.by_claim(shop, claim)
    assert done is not None  # noqa: S101  it was recorded
    return done


async def _is_installed_since(shop: str, moment: datetime, use: ErasingShops) -> bool:
    """Whether the app was installed after that. Who installs it stores its tokens first: the log
    may not know yet."""
    aggregate: Shop = await use.recorder.load(Shop, shop, shop_stream(shop))
    known = (aggregate.installed_at, await use.saved_at(shop))
    return any(at is not None and at > moment for at in known)


async def _delete_objects(shop: str, until: int, place: Place, use: ErasingShops) -> int:
    """Deletes all that the log names up to that position: mails, files, large causes. Returns how
    many the log names, with those of earlier calls: not how many were there, which nobody knows
    any more after a call that was cut off, or beside another one."""
    store, reader = use.recorder.store, use.recorder.reader
    after, deleted = place.after, place.deleted
    while after < until:
        commits = [
            one for one in await store.read(shop, after, limit=_BATCH, cause=True)
            if one.position <= until
        ]  # fmt: skip
        if not commits:
            break
        refs = [ref for one in commits if (ref := one.cause_ref)]
        for events in await reader.read(commits, WITH_OBJECTS, opened=False):
            refs += [ref for one in events for ref in objects_of(one.event)]
        if refs:
            await use.objects.delete(refs)
        deleted += len({(ref["bucket"], ref["key"]) for ref in refs})
        after = commits[-1].position
        await place.note(after, deleted)
    return deleted
