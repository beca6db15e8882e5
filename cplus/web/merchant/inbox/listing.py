"""A page of conversations as a list shows it, on the page of the inbox and beside a thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import Depends, Request

from cplus.clock import Clock
from cplus.commands.team import may
from cplus.events.aggregates.tags import Tag
from cplus.projections.queries import Conversation, ConversationCounts, Page, Queries
from cplus.web.kit.deps import clock_of, drafts_of, queries_of, workspace_of
from cplus.web.kit.i18n import gettext as _
from cplus.web.kit.signed_in import Merchant, MerchantDep
from cplus.web.merchant.inbox.place import VIEWS, Place, SavedView, views_of
from cplus.workspace import Workspace
from cplus.workspace.drafts import Drafts
from cplus.workspace.drafts import Place as DraftPlace
from cplus.workspace.members import Member
from cplus.workspace.read_marks import KEPT

SHOWN: Final = 50
"""Conversations of a page."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a page knows of who works, and with what."""

    me: Merchant
    member: Member
    staff: Mapping[str, str]
    """What each member of staff is called who works on conversations, by their ids."""
    tags: Mapping[str, Tag]
    """By their ids, in the order of their names."""
    views: Sequence[SavedView]

    def called(self, member: str) -> str:
        """What a member of staff is called."""
        return self.me.called(member)

    def tags_of(self, row: Conversation) -> list[Tag]:
        """The tags of a conversation that there still are."""
        return [self.tags[one] for one in row.tags if one in self.tags]


@dataclass(frozen=True, slots=True)
class Desks:
    """Finds that, and the lists."""

    me: Merchant
    queries: Queries
    workspace: Workspace
    clock: Clock
    begun: Drafts

    async def desk(self) -> Desk:
        """For the merchant of the request."""
        me, now, settings = self.me, self.clock(), self.me.settings
        own = me.actor.author
        member = await self.workspace.members.visit(me.shop, own, now, me.here.get(own))
        known = {*me.here, *me.team.members}
        can = (one for one in known if may(me.team.role_of(one), "converse"))
        names = {one: me.called(one) for one in {*can, own}}
        ordered = sorted(settings.tags.values(), key=lambda tag: tag.name.casefold())
        return Desk(
            me,
            member,
            dict(sorted(names.items(), key=lambda one: (one[0] != own, one[1]))),
            {tag.id: tag for tag in ordered},
            views_of(settings),
        )

    async def page(self, place: Place, limit: int = SHOWN) -> Page[Conversation]:
        """A page of a list. Raises InvalidInput if its cursor cannot be read."""
        return await self.queries.list_conversations(
            self.me.shop, place.filter(self.me), place.cursor, limit
        )

    async def read(self, member: Member, row: Conversation) -> None:
        """The member has read it as it stands."""
        at = max(row.last_message_at, row.mentions.get(member.id, row.last_message_at))
        await self.workspace.marks.read(self.me.shop, member.id, row.id, at)

    async def read_until(self, member: Member, row: Conversation) -> datetime:
        """Up to when the member has read it: what came later is new to them."""
        horizon = max(member.since, self.clock() - KEPT)
        marks = await self.workspace.marks.of(self.me.shop, member.id, [row.id])
        return max(horizon, marks.get(row.id, horizon))

    async def unread(self, member: Member, rows: Sequence[Conversation]) -> set[str]:
        """Which of these have a message of a customer, or a note that mentions the member, that
        they have not read."""
        news = {row.id: at for row in rows if (at := _news_of(row, member))}
        return await self._not_read(member, news)

    async def drafts(self) -> Sequence[DraftPlace]:
        """Where the member has begun to write; nowhere for who only reads."""
        if not self.me.may("converse"):
            return ()
        return await self.begun.places(self.me.shop, self.me.actor.author)

    async def mentioned(self, member: Member) -> int:
        """In how many conversations the member was mentioned and has not read it; asked only where
        somebody else works who could."""
        if not self.me.team.members.keys() - {member.id}:
            return 0
        found = await self.queries.mentions_of(self.me.shop, member.id, self._horizon(member))
        return len(await self._not_read(member, found))

    async def _not_read(self, member: Member, news: Mapping[str, datetime]) -> set[str]:
        horizon = self._horizon(member)
        fresh = {one: at for one, at in news.items() if at > horizon}
        marks = await self.workspace.marks.of(self.me.shop, member.id, list(fresh))
        return {one for one, at in fresh.items() if one not in marks or marks[one] < at}

    def _horizon(self, member: Member) -> datetime:
        """What came before is news no more."""
        return max(member.since, self.clock() - KEPT)


def _news_of(row: Conversation, member: Member) -> datetime | None:
    """When the last thing came to it that is news to the member."""
    told = [row.last_message_at] if row.last_from == "shopper" else []
    told += [row.mentions[member.id]] if member.id in row.mentions else []
    return max(told, default=None)


async def _desks(request: Request, me: MerchantDep) -> Desks:
    # No dependencies of FastAPI: it looks at each of them anew, for every page.
    queries, workspace = await queries_of(request), await workspace_of(request)
    return Desks(me, queries, workspace, await clock_of(request), await drafts_of(request))


DesksDep = Annotated[Desks, Depends(_desks)]


def numbers_of(counts: ConversationCounts, mine: int, mentions: int) -> Mapping[str, int]:
    """How many conversations each view has; of those in which the member was mentioned, how many
    they have not read."""
    active = counts.open - counts.snoozed
    return {
        "open": active,
        "unanswered": counts.unanswered,
        "mine": mine,
        "mentions": mentions,
        "unassigned": max(active - counts.assigned, 0),
        "snoozed": counts.snoozed,
        "closed": counts.conversations - counts.open,
        "all": counts.conversations,
        "spam": counts.spam,
    }


def name_of(place: Place, desk: Desk) -> str:
    """What a list is called: as it was saved, or by its view."""
    saved = next((view.name for view in desk.views if view.place == place.start), None)
    return saved or _(VIEWS[place.view])
