"""What a reply is told that was written while others wrote too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cplus.projections.queries import Conversation, Queries
from cplus.web.kit.i18n import gettext as _
from cplus.web.kit.signed_in import Merchant
from cplus.web.kit.text import author
from cplus.web.merchant.conversations.addresses import is_id
from cplus.web.merchant.conversations.thread import Thread

_NEWEST: Final = 5
"""Messages that a form names: the conversation may not know all of them, as one that was moved
here."""


async def seen_on(queries: Queries, shop: str, row: Conversation, thread: Thread) -> str:
    """The newest messages that the page shows or leads to, for its form."""
    found = [one.message for one in thread.messages]
    if thread.later is not None:  # it shows older ones
        found = list((await queries.newest_messages_of(shop, row.id, None, _NEWEST)).items)
    own = [one.id for one in found if one.conversation_id == row.id]
    return " ".join(own[-_NEWEST:])


def told_as_seen(field: str) -> list[str]:
    """What a form names; nothing of what is no id."""
    return [one for one in field.split(" ")[:_NEWEST] if is_id(one)]


def words_of(since: Mapping[str, str | None], me: Merchant) -> str:
    """What came meanwhile, and what to do: of whom, if all of it is by one."""
    authors = set(since.values())
    if authors == {None}:
        return _(
            "The customer wrote again since you opened this page. If your reply still fits, send "
            "it again."
        )
    if len(authors) == 1:
        name = author(next(iter(authors)), me)
        return _(
            "%(name)s wrote here since you opened this page. If your reply still fits, send it "
            "again.",
            name=name,
        )
    return _(
        "Others wrote here since you opened this page. If your reply still fits, send it again."
    )
