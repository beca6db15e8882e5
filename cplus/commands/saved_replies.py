"""Saved replies of a shop: saved, removed, found by words.

Changes return the position, None if nothing changed; the form with the `key` counts once. They
raise InvalidInput, OutcomeUnknown and DecisionOvertaken.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cplus.actors import Actor, Source
from cplus.commands.conversations.answering import Conversations
from cplus.commands.mail_settings import sealed_for
from cplus.commands.shop_streams import change_of_shop, load_of_shop
from cplus.events.aggregates.saved_replies import SavedReplies, SavedReply
from cplus.events.names import saved_replies_stream
from cplus.events.recording import Recorder
from cplus.ids import derived


async def saved_replies_of(recorder: Recorder, shop: str) -> SavedReplies:
    """The saved replies of the shop, by its log. Those from before the shop was erased are gone."""
    return await load_of_shop(SavedReplies, recorder, shop, saved_replies_stream(shop))


def found(saved: SavedReplies, words: str) -> list[SavedReply]:
    """Those that have all of these words: the ones whose name begins with them first, then those
    whose name has them, then the others; of each the names in order."""
    wanted = words.casefold().split()
    whole = " ".join(wanted)

    def rank(one: SavedReply) -> tuple[int, str]:
        name = one.name.casefold()
        in_name = all(word in name for word in wanted)
        return (0 if name.startswith(whole) else 1 if in_name else 2, name)

    texts = ((one, f"{one.name}\n{one.text}".casefold()) for one in saved.replies.values())
    return sorted((one for one, told in texts if all(word in told for word in wanted)), key=rank)


def id_of_new(shop: str, key: str) -> str:
    """The id of the saved reply that the form with this key makes."""
    return derived("saved-reply", shop, key)[:12]


async def save_reply(
    shop: str,
    name: str,
    text: str,
    *,
    reply: str | None = None,
    seen: int = 0,
    key: str,
    actor: Actor,
    source: Source,
    use: Conversations,
) -> int | None:
    """Saves a reply, a new one unless the id of one is given, of which the form showed the revision
    `seen`. A form that was sent before with other words is a conflict too, and loses none."""
    id_ = reply or id_of_new(shop, key)
    saved = await saved_replies_of(use.recorder, shop)
    saved.check(reply=id_, name=name, text=text, seen=seen)
    decision = partial(
        SavedReplies.save,
        reply=id_,
        name=name,
        text=text,
        seen=seen,
        author=actor.author,
        person=sealed_for(),
        now=use.clock(),
    )
    return await _change(shop, decision, key=key, actor=actor, source=source, use=use)


async def remove_reply(
    shop: str, reply: str, *, key: str, actor: Actor, source: Source, use: Conversations
) -> int | None:
    """Removes a saved reply."""
    decision = partial(SavedReplies.remove, reply=reply, now=use.clock())
    return await _change(shop, decision, key=key, actor=actor, source=source, use=use)


async def _change(
    shop: str,
    decision: Callable[[SavedReplies], None],
    *,
    key: str,
    actor: Actor,
    source: Source,
    use: Conversations,
) -> int | None:
    return await change_of_shop(
        *(SavedReplies, decision, shop, saved_replies_stream(shop)),
        key=key,
        source=source,
        actor=actor,
        recorder=use.recorder,
    )
