"""The domain from which a merchant wants the mail of their shop to leave."""

from __future__ import annotations

from functools import partial

from cplus.actors import Actor, Source
from cplus.commands.conversations.answering import Conversations
from cplus.commands.mail_settings import change, sealed_for, settings_of
from cplus.errors import InvalidInput
from cplus.events.aggregates.settings import ShopSettings
from cplus.mail.writing.sender_domains import typed_domain, typed_local
from cplus.wording import worded


async def add_domain(
    shop: str, typed: str, *, own: str, key: str, source: Source, actor: Actor, use: Conversations
) -> int | None:
    """Adds the domain that somebody typed; `own` is that of our mail. Raises InvalidInput for one
    that is none or cannot be theirs, and if the shop has another; returns and else raises as
    `mail_settings.change`."""
    domain = typed_domain(typed, own)
    decision = partial(ShopSettings.add_domain, domain=domain, now=use.clock())
    return await change(shop, decision, key=key, source=source, actor=actor, use=use)


async def remove_domain(
    shop: str, *, key: str, source: Source, actor: Actor, use: Conversations
) -> int | None:
    """Removes the domain: mail leaves from ours. Returns and raises as `mail_settings.change`."""
    decision = partial(ShopSettings.remove_domain, now=use.clock())
    return await change(shop, decision, key=key, source=source, actor=actor, use=use)


async def choose_sender(
    shop: str, typed: str, *, key: str, source: Source, actor: Actor, use: Conversations
) -> int | None:
    """Mail leaves from this address at the domain; with nothing typed from ours. Raises
    InvalidInput for another address, and while the domain does not work; returns and else raises as
    `mail_settings.change`."""
    domain = (await settings_of(use.recorder, shop)).domain
    if domain is None:
        raise InvalidInput(reason=worded("add a domain first"))
    decision = partial(
        ShopSettings.choose_sender,
        local=typed_local(typed, domain.name) if typed.strip() else None,
        person=sealed_for(),
        now=use.clock(),
    )
    return await change(shop, decision, key=key, source=source, actor=actor, use=use)
