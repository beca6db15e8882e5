"""Who else of the team looks at a conversation, as its page tells it."""

from __future__ import annotations

from collections.abc import Sequence

from cplus.clock import Clock
from cplus.web.kit.i18n import gettext as _
from cplus.web.kit.signed_in import Merchant
from cplus.web.kit.text import listed
from cplus.workspace import Workspace
from cplus.workspace.presence import Present


async def present(
    me: Merchant,
    workspace: Workspace,
    clock: Clock,
    conversation_id: str,
    *,
    here: bool,
    writing: bool = False,
) -> str:
    """In words, who else looks at it and who is writing; with `here`, the member is one of them
    from now on. Empty where nobody does, and nothing is asked where nobody else works."""
    rows, now, own = workspace.presence, clock(), me.actor.author
    if not me.team.members.keys() - {own}:
        return ""
    if here:
        await rows.here(me.shop, conversation_id, own, now, writing=writing)
    return words_of(await rows.others(me.shop, conversation_id, own, now), me)


def words_of(others: Sequence[Present], me: Merchant) -> str:
    """A sentence on those who write, and one on those who only look."""
    writing = [me.called(one.member) for one in others if one.writing]
    looking = [me.called(one.member) for one in others if not one.writing]
    said = []
    if len(writing) == 1:
        said.append(_("%(name)s is writing here.", name=writing[0]))
    elif writing:
        said.append(_("%(names)s are writing here.", names=listed(writing)))
    if len(looking) == 1:
        said.append(_("%(name)s is looking at this conversation.", name=looking[0]))
    elif looking:
        said.append(_("%(names)s are looking at this conversation.", names=listed(looking)))
    return " ".join(said)
