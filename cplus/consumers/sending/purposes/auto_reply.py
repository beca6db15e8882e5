"""What a shop answers by itself."""

from __future__ import annotations

from cplus.consumers.sending.auto_replying import FRESH, find_auto_reply
from cplus.consumers.sending.outgoing import name_of
from cplus.consumers.sending.purpose import Later, Mail, MailParts, Never, Purpose
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.base import kept
from cplus.events.catalogue.mail import AUTO_REPLY, MailRequested
from cplus.events.names import conversation_stream
from cplus.mail import compose_reply, conversation_token, reply_address, reply_subject


async def _ready(shop: str, wish: MailRequested, use: MailParts) -> Mail | Never | Later:
    """Raises InvalidInput for an address that no mail can go to."""
    recorder, talk = use.recorder, wish.about["conversation"]
    reply = await find_auto_reply(recorder, shop, talk, wish.message_id)
    if reply is None or wish.to_address is None or kept(reply.text) is None:
        return Never("the person was erased")
    if use.clock() - reply.timestamp > FRESH:
        return Never("it is too late for an automatic reply")
    conversation: Conversation = await recorder.load(Conversation, shop, conversation_stream(talk))
    if conversation.spam:
        return Never("the conversation was marked as spam")
    if not conversation.auto_replied:
        return Never("the merchant replied first")
    domain, secret = use.settings.mail_domain, use.settings.secret("application_secret")
    address = reply_address(shop, talk, secret, domain)
    sender = use.sender or address
    raw = compose_reply(
        shop_name=await name_of(recorder.store, recorder.reader, shop),
        from_address=sender,
        to=wish.to_address,
        subject=reply_subject(reply.subject),
        text=reply.text,
        reply_to=address,
        in_reply_to=reply.in_reply_to,
        references=[reply.in_reply_to] if reply.in_reply_to else [],
        own_message_id=f"{wish.message_id}@{domain}",
        automatic=True,
        token=conversation_token(shop, talk, secret),
    )
    return Mail(sender, [wish.to_address], raw)


PURPOSES = (Purpose(AUTO_REPLY, _ready, threads=True),)
