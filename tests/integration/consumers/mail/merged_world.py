"""Conversations that a merchant merges, or whose messages they move."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cplus.actors import merchant
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.names import conversation_stream
from cplus.mail import reply_address
from tests.integration.mail_world import DOMAIN, SHOP, World, plain


def asking(world: World) -> dict[str, Any]:
    use = replace(world.parts.conversations, recorder=world.recorder)
    return {"actor": merchant("ada"), "source": "dashboard", "use": use}


async def begun(world: World, *senders: str) -> list[str]:
    """Conversations that these began, with their ids."""
    for number, sender in enumerate(senders):
        mail = plain(f"Hello {number}", sender=sender, message_id=f"<{number}@shopper.example>")
        await world.receive(mail, f"ses-{number}")
    commits = (await world.commits())[-len(senders) :]
    return [c.documents[0]["stream"].partition("/")[2] for c in commits]


async def talk(world: World, name: str) -> Conversation:
    found: Conversation = await world.recorder.load(Conversation, SHOP, conversation_stream(name))
    return found


def token(world: World, name: str) -> str:
    secret = world.parts.settings.secret("application_secret")
    return reply_address(SHOP, name, secret, DOMAIN)
