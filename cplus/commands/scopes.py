"""What a merchant grants the app, as the newest news of Shopify says it."""

from __future__ import annotations

from datetime import datetime

from cplus.events.catalogue.shops import AppInstalled, ScopesChanged
from cplus.events.names import shop_stream
from cplus.events.recording import Recorder


async def changed_scopes(shop: str, recorder: Recorder) -> frozenset[str] | None:
    """The scopes by the newest change since the app was last installed; None if there was none."""
    changes = list[tuple[datetime, str, ScopesChanged]]()
    ref = shop_stream(shop)
    async for commit in recorder.store.iterate_ref(shop, ref, newest_first=True, batch=100):
        for recorded in await recorder.reader.of(commit, AppInstalled, ScopesChanged):
            if isinstance(recorded.event, ScopesChanged):
                changes.append((recorded.occurred_at, recorded.id, recorded.event))
                continue
            since = [one for one in changes if one[0] >= recorded.occurred_at]
            last = max(since, key=lambda one: one[:2], default=None)
            return None if last is None else frozenset(last[2].scopes)
    return None
