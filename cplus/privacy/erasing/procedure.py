"""The one procedure that erases a person.

Every step can be repeated: a call that was cut off anywhere is completed by the next one for the
same erasure, and two at once do it once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from cplus.clock import Clock
from cplus.errors import CplusError
from cplus.events.audit.chain import Link
from cplus.events.base import NewEvent
from cplus.events.catalogue.privacy import ErasureCompleted, PersonErased
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import Appended, settled
from cplus.events.log.store import EventStore
from cplus.events.names import conversation_stream, erasure_claim, erasure_stream
from cplus.events.recording import Recorder
from cplus.privacy.all_ids import FindAllIds
from cplus.privacy.erasing.asking import Asked, asked_for
from cplus.privacy.erasing.folded import Behind, RowsBehind
from cplus.privacy.erasing.listing import Listed, Named, list_held, list_named
from cplus.privacy.erasing.ways_out import Directory, Drafts, Ledger, Objects
from cplus.privacy.keyring import Keyring
from cplus.privacy.ledger import Erased
from cplus.privacy.persons import IdentityTaken
from cplus.retries import Retries

STEPS: Final = (
    "forget_drafts",
    "forget",
    "condemn",
    "append_erased",
    "destroy",
    "delete_objects",
    "write_ledger",
    "await_rows",
    "append_completed",
)
"""The steps, in this order; the first five twice, so that the second listing finds what was
recorded between the first and the erasure."""

_RETRIES: Final = Retries(tries=20, pause=0.1, longest=1.0)


class ErasureOvertaken(CplusError):
    """The erasure {erasure} in {shop} was not done: each time, somebody else erased the person too,
    or more ids turned out to be theirs; try again."""


@dataclass(frozen=True, slots=True)
class Erasing:
    """What erasing needs."""

    recorder: Recorder
    keyring: Keyring
    all_ids: FindAllIds
    directory: Directory
    objects: Objects
    ledger: Ledger
    drafts: Drafts
    behind: Behind
    """Which rows do not show an erasure yet."""
    clock: Clock
    at_step: Callable[[str], None] = lambda _step: None
    """Called with the name of each step (see STEPS) before it is taken, for tests that crash
    there."""
    retries: Retries = _RETRIES
    """How often it is tried while others come in between."""


async def erase(shop: str, erasure: str, *, use: Erasing, also: Collection[str] = ()) -> Erased:
    """Erases the person of whom this erasure was asked for, or completes what an earlier call
    began. Called again after that, it names what was recorded since, of which nothing was sealed.
    `also` has ids of theirs that neither directory nor log know of any more.

    Raises NotFound if it was not asked for; RowsBehind if all is done but that rows do not show it
    yet; ErasureOvertaken, OutcomeUnknown, and what the parts in `use` raise. Then call it again.
    """
    store, reader = use.recorder.store, use.recorder.reader
    asked = await asked_for(store, reader, shop, erasure)
    listed, keys = await _erase_in_log(shop, asked, also, use)
    persons = tuple(listed.by_id)
    use.at_step("delete_objects")
    await use.objects.delete(listed.objects.values())
    # Also those to somebody else, in a conversation in which the person took part.
    await use.drafts.forget_about(shop, (), listed.conversations)
    told = await list_named(store, reader, shop, erasure)
    end = told.completed
    # Who turned out to be theirs since is erased too: the ledger says so as well.
    new = end is None or any(one.position > end.position for one in told.erased)
    entry = Erased(
        shop=shop,
        erasure=erasure,
        persons=persons,
        at=use.clock() if end is None or new else end.occurred_at,
        commits=tuple([await proof(store, shop, one.position) for one in told.erased]),
        keys=keys,
        objects=len(listed.objects),
    )
    if new:
        use.at_step("write_ledger")
        # Before the wait: what the ledger says is done, and a backup may be restored meanwhile.
        await use.ledger.write(entry)
        use.at_step("await_rows")
        await _rows_show(shop, asked, told.erased[-1].position, use)
    if end is None:
        use.at_step("append_completed")
        await _append(shop, asked, "completed", _end(asked, entry), (), use)
    return entry


def _end(asked: Asked, entry: Erased) -> NewEvent:
    event = ErasureCompleted(
        erasure=asked.erasure, person=asked.person, keys=entry.keys, objects=entry.objects
    )
    return NewEvent(erasure_stream(asked.erasure), event, entry.at)


async def proof(store: EventStore, shop: str, at: int) -> tuple[int, str]:
    """The position and the hash of the commit at that position."""
    raw = b"".join([piece async for piece in store.log.raw(shop, at - 1, at)])
    return at, Link.of(raw).hash.hex()


async def _rows_show(shop: str, asked: Asked, position: int, use: Erasing) -> None:
    """Raises RowsBehind unless all rows show the log up to that position."""
    if found := await use.behind(shop, position):
        raise RowsBehind(erasure=asked.erasure, shop=shop, collections=", ".join(found))


async def _erase_in_log(
    shop: str, asked: Asked, also: Collection[str], use: Erasing
) -> tuple[Listed, int]:
    """What the log holds of theirs, once all of that is erased, and how many keys were destroyed.
    Raises ErasureOvertaken."""

    async def twice() -> tuple[Listed, int]:
        found = await _round(shop, asked, also, use) or await _round(shop, asked, also, use)
        if found is None:  # of another id, which the first round did not know
            raise ErasureOvertaken(erasure=asked.erasure, shop=shop)
        return found

    return await use.retries.of(twice, ErasureOvertaken, shop=shop, erasure=asked.erasure)


async def _round(
    shop: str, asked: Asked, also: Collection[str], use: Erasing
) -> tuple[Listed, int] | None:
    """Appends what the erasure has not named yet, and destroys the keys; None if it is to be done
    again, because more may have been recorded between the listing and the erasure. Raises
    ErasureOvertaken if others changed in this moment what it is about."""
    store, reader = use.recorder.store, use.recorder.reader
    persons = await use.all_ids(shop, [asked.person, *also])
    # While the directory still knows whose an address is to which somebody began to write. What is
    # written from here on to the destruction of the keys stays, and opens for nobody.
    use.at_step("forget_drafts")
    await use.drafts.forget_about(shop, persons, ())
    # Before anything is lost: who writes from now on is somebody new, and can be read and answered,
    # however long all of this takes.
    use.at_step("forget")
    try:
        await use.directory.forget(shop, persons, use.clock())
    except IdentityTaken:  # joined with somebody in this moment, who has to be erased too
        raise ErasureOvertaken(erasure=asked.erasure, shop=shop) from None
    # In this order. A writer that loads its keys before this appends before the erasure, or sees
    # it and loads them again; one that loads them later gets none.
    use.at_step("condemn")
    await use.keyring.condemn(shop, persons)
    before = await list_named(store, reader, shop, asked.erasure)
    listed = await list_held(store, reader, shop, persons)
    if not await _append_erased(shop, asked, listed, before, use):
        # Somebody else erases them too: no key goes before each id is erased.
        raise ErasureOvertaken(erasure=asked.erasure, shop=shop)
    use.at_step("destroy")
    keys = await use.keyring.destroy(shop, persons)
    # Listed behind the erasure of each id, nothing is missing: of what comes later nothing is
    # sealed. So whoever writes on and on does not keep this from ending.
    return (listed, keys) if set(persons) <= before.by_id.keys() else None


async def _append_erased(
    shop: str, asked: Asked, listed: Listed, before: Named, use: Erasing
) -> bool:
    """Appends what is not named yet; False if another process recorded something in its place."""
    events = before.missing(listed, asked.erasure)
    for number, event in enumerate(events, len(before.erased) + 1):
        use.at_step("append_erased")
        talks = [conversation_stream(one) for one in event.conversations]
        new = NewEvent(event.person, event, use.clock())
        if not await _append(shop, asked, f"erased-{number}", new, [event.person, *talks], use):
            return False
    return True


async def _append(
    shop: str, asked: Asked, step: str, new: NewEvent, refs: Sequence[str], use: Erasing
) -> bool:
    """Appends the event of a step; False if the step was recorded before."""
    draft = Draft(
        shop=shop,
        claim=erasure_claim(asked.erasure, step),
        source="erasure",
        actor=asked.commit.actor,
        events=[new],
        refs=[erasure_stream(asked.erasure), asked.person, *refs],
        correlation_id=asked.commit.correlation,
        causation_id=asked.commit.id,
        erases=isinstance(new.event, PersonErased),
    )
    [outcome] = await use.recorder.append([draft])
    settled(outcome)
    return isinstance(outcome, Appended)
