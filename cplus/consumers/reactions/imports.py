"""A shop that installed the app has its customers imported; again if it grants what was missing.

An import that waits for a bulk operation of Shopify goes on when that has ended.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from cplus.consumers.reactions.reaction import Reaction, Reactor
from cplus.events.base import Event, Recorded
from cplus.events.catalogue.shops import (
    AppInstalled,
    AppUninstalled,
    BulkOperationFinished,
    ScopesChanged,
)
from cplus.events.log.commit import Commit
from cplus.events.names import (
    bulk_operation_ref,
    import_of_page,
    install_import,
    shop_stream,
)

_QUEUE: Final = "import_queue"
"""The setting with the URL of the queue that it hands out to."""


_READS: Final = frozenset({"read_customers", "write_customers"})
_MORE: Final = _READS | {"read_orders", "write_orders"}
_COMMITS: Final = 20  # that are read at once


async def _hand_out(commit: Commit, told: Recorded, use: Reactor) -> None:
    import_id, cause = install_import(told.id), commit
    if isinstance(told.event, BulkOperationFinished):
        ref = bulk_operation_ref(told.event.operation)
        begun = await use.store.by_ref(commit.shop, ref, 1)
        if not begun:
            return  # not an import's, or not recorded yet: the import looks by itself too
        [cause] = begun
        import_id = import_of_page(cause.claims[0])
    elif not await _is_wanted(commit, told.event, use):
        return
    message = {
        "shop": commit.shop,
        "import_id": import_id,
        "cursor": None,
        "page": 1,
        # Carried along, so that no page has to look for the install.
        "correlation_id": cause.correlation,
        "causation_id": commit.id if cause is commit else cause.causation_id,
    }
    use.at_step("send_import")
    await use.send(use.setting(_QUEUE), message, group=commit.shop)


async def _is_wanted(commit: Commit, event: Event, use: Reactor) -> bool:
    if isinstance(event, AppInstalled):
        # An install from before scopes were kept has none, and Shopify says what it grants.
        return not event.scopes or not _READS.isdisjoint(event.scopes)
    assert isinstance(event, ScopesChanged)  # noqa: S101  all else that it handles
    gained = _MORE.intersection(event.scopes) - set(event.previous)
    if not gained or _READS.isdisjoint(event.scopes):
        return False
    # Shopify tells of an install's own scopes too, which has an import by itself: it is under way
    # where the log knows of none.
    known = await _known_before(commit, use)
    return known is not None and not gained.issubset(known)


async def _known_before(commit: Commit, use: Reactor) -> Collection[str] | None:
    """The scopes that the log said were granted before the commit; None if the app was not
    installed."""
    kinds = (AppInstalled, AppUninstalled, ScopesChanged)
    ref = shop_stream(commit.shop)
    async for one in use.store.iterate_ref(commit.shop, ref, newest_first=True, batch=_COMMITS):
        if one.position < commit.position:
            for recorded in reversed(await use.reader.of(one, *kinds)):
                event = recorded.event
                return event.scopes if isinstance(event, AppInstalled | ScopesChanged) else None
    return None


IMPORTS = Reaction(
    name="react-imports",
    handles=frozenset({AppInstalled, ScopesChanged, BulkOperationFinished}),
    hand_out=_hand_out,
    steps=("send_import",),
    needs=(_QUEUE,),
    was_react=True,
)
