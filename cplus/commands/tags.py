"""What a merchant sets for working through conversations: tags, and views of the inbox.

Each returns the position, None if nothing changed; the form with the `key` counts once. Raises
InvalidInput, NotFound, OutcomeUnknown and DecisionOvertaken.
"""

from __future__ import annotations

from functools import partial

from cplus.actors import Actor, Source
from cplus.commands.conversations.answering import Conversations
from cplus.commands.conversations.handling import check_member
from cplus.commands.mail_settings import change, sealed_for
from cplus.events.aggregates.settings import ShopSettings
from cplus.events.aggregates.tags import Shown
from cplus.ids import derived
from cplus.workspace.members import Members


async def make_tag(
    shop: str,
    name: str,
    colour: str,
    *,
    key: str,
    actor: Actor,
    source: Source,
    use: Conversations,
) -> int | None:
    """Makes a tag; its id follows from the key."""
    decision = partial(
        ShopSettings.make_tag,
        tag=derived("tag", shop, key)[:12],
        name=name,
        colour=colour,
        person=sealed_for(),
        now=use.clock(),
    )
    return await change(shop, decision, key=key, source=source, actor=actor, use=use)


async def change_tag(
    shop: str,
    tag: str,
    name: str,
    colour: str,
    *,
    key: str,
    actor: Actor,
    source: Source,
    use: Conversations,
) -> int | None:
    """Renames a tag, and gives it that colour."""
    decision = partial(ShopSettings.change_tag, tag=tag, name=name, colour=colour, now=use.clock())
    return await change(shop, decision, key=key, source=source, actor=actor, use=use)


async def remove_tag(
    shop: str, tag: str, *, key: str, actor: Actor, source: Source, use: Conversations
) -> int | None:
    """Removes a tag: whatever has it has it no more."""
    decision = partial(ShopSettings.remove_tag, tag=tag, now=use.clock())
    return await change(shop, decision, key=key, source=source, actor=actor, use=use)


async def save_view(
    shop: str,
    name: str,
    shows: Shown,
    *,
    key: str,
    actor: Actor,
    source: Source,
    members: Members,
    use: Conversations,
) -> int | None:
    """Saves what a list shows under a name, for everybody of the shop."""
    await check_member(shop, shows.assignee or None, actor, members, use.recorder)
    decision = partial(
        ShopSettings.save_view,
        view=derived("view", shop, key)[:12],
        name=name,
        shows=shows,
        person=sealed_for(),
        now=use.clock(),
    )
    return await change(shop, decision, key=key, source=source, actor=actor, use=use)


async def remove_view(
    shop: str, view: str, *, key: str, actor: Actor, source: Source, use: Conversations
) -> int | None:
    """Removes a view."""
    decision = partial(ShopSettings.remove_view, view=view, now=use.clock())
    return await change(shop, decision, key=key, source=source, actor=actor, use=use)
