"""Which other conversation is meant: one with the same person, or one that is searched for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cplus.projections.queries import Conversation, Filter, Queries
from cplus.projections.words import phrases_of
from cplus.web.merchant.customers.customers import LONGEST, MOST
from cplus.wording import worded

NONE: Final = worded("That is no conversation of this shop.")
FOUND: Final = 10
"""Conversations that a search offers."""
_NAMED: Final = re.compile(r"\s*(?:\S*/conversations/)?([a-z0-9]{1,64})(?:[?#]\S*)?\s*")


@dataclass(frozen=True, slots=True)
class Others:
    """What can be chosen in place of a conversation."""

    same: Sequence[Conversation]
    """Those with the same person."""
    asked: str
    """What was searched for."""
    found: Sequence[Conversation]
    """The first that were found."""
    persons: frozenset[str]
    """The ids that the person has."""


def named_in(text: str) -> str | None:
    """The id of the conversation whose page's address, or id, the text is."""
    named = _NAMED.fullmatch(text)
    return named[1] if named else None


async def others(queries: Queries, shop: str, row: Conversation, person: str, q: str) -> Others:
    """What `row`, or a message in it by this person, could go to."""
    detail = await queries.customer(shop, person)
    theirs = detail.conversations if detail else []
    phrases, _left_out = phrases_of(q[:LONGEST], MOST)
    page = await queries.search(shop, phrases, Filter("all"), None) if phrases else None
    hits = [hit.conversation for hit in page.items] if page else []
    same = [one for one in theirs if _may_take(one, row)]
    found = [one for one in hits if _may_take(one, row)]
    persons = frozenset({person, *(one.person for one in theirs)})
    return Others(same, q[:LONGEST].strip(), found[:FOUND], persons)


def _may_take(one: Conversation, row: Conversation) -> bool:
    """Whether it may be offered as where `row`, or a message of it, could go."""
    return one.id != row.id and not (one.merged_into or one.spam or one.erased)
