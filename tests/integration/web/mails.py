"""A raw mail, and mail that was set aside, for tests of the pages that show them."""

from __future__ import annotations

from datetime import timedelta

from cplus.aws import Aws
from cplus.consumers.mail.inbound_email import Inbound
from cplus.envelopes import Stored
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.base import Cause, NewEvent
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import settled
from cplus.events.names import INSTALLED_REF, mail_stream, message_ref, received_mail_claim
from cplus.events.repository import decided
from cplus.ids import random_id
from tests.integration.intake import failures, record
from tests.integration.web.harness import SHOP, Harness
from tests.samples import MAIL_ASIDE, installed

RAW = """From: Ada Brandt <ada@example.com>\r
Subject: Re: Blue jam\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=m\r
\r
--m\r
Content-Type: multipart/alternative; boundary=a\r
\r
--a\r
Content-Type: text/plain\r
\r
Yes please.\r
\r
On Mon, 2 Nov 2026 at 10:00, Shop <shop@example.com> wrote:\r
> Shall I keep <b>one</b>?\r
--a\r
Content-Type: text/html\r
\r
<p>Yes please.</p><img src="https://evil.example/x.png"><script>alert(1)</script>\r
--a--\r
--m\r
Content-Type: application/pdf\r
Content-Disposition: attachment; filename="label.pdf"\r
\r
%PDF\r
--m--\r
"""


async def set_aside(web: Harness, *, shop: str = SHOP, reason: str = "spam") -> str:
    """A mail as the mail's reader records it; answers the address of its page."""
    [url] = await set_aside_all(web, 1, shop=shop, reason=reason)
    return url


async def set_aside_all(
    web: Harness, many: int, *, shop: str = SHOP, reason: str = "spam"
) -> list[str]:
    """So many of them, a second apart; answers the addresses of their pages."""
    drafts, urls = [], []
    bucket = web.settings.mail_bucket or "none"
    for number in range(many):
        changes = {"message_id": random_id(), "raw": {"bucket": bucket, "key": "k"}}
        changes["reason"] = reason
        mail = MAIL_ASIDE.model_copy(update=changes)
        stream = mail_stream(mail.message_id)
        new = [NewEvent(stream, mail, web.clock() + timedelta(seconds=number))]
        refs = [stream, message_ref(mail.message_id)]
        draft = Draft(shop=shop, claim=random_id(), source="mail", actor="t", events=new, refs=refs)
        drafts.append(draft)
        urls.append(f"/inbox/automatic/{mail.message_id}")
    outcomes = await web.parts.store.append(drafts)
    await web.nudger.fold({shop: settled(outcomes[-1]).position})
    return urls


async def arrive(web: Harness, aws: Aws, raw: bytes, ses_id: str = "ses1", **verdicts: str) -> str:
    """Lets a mail come in as SES hands it over, to the shop, in which the app is installed; answers
    the id of its message."""
    bucket, key = web.settings.mail_bucket, f"incoming/{ses_id}"
    name = SHOP.partition(".")[0]
    await aws.put_object(bucket, key, raw)
    if not await web.parts.store.by_ref(SHOP, INSTALLED_REF, 1):
        begun = NewEvent.decided(installed(shop=SHOP, at=web.clock()))
        draft = Draft(SHOP, "install/t", "install", "t", events=[begun], refs=[INSTALLED_REF])
        await web.parts.store.append([draft])
    told = {
        f"{one}Verdict": {"status": verdicts.get(one, "PASS")}
        for one in ("spam", "virus", "spf", "dkim", "dmarc")
    }
    receipt = {
        "timestamp": web.clock().isoformat(),
        "recipients": [f"{name}@{web.settings.mail_domain}"],
        "action": {"type": "S3", "bucketName": bucket, "objectKey": key},
        **told,
    }
    mail = {"messageId": ses_id, "source": "ada@example.com"}
    body = {"notificationType": "Received", "mail": mail, "receipt": receipt}
    p = web.parts
    inbound = Inbound(p.settings, p.store, p.persons, aws, p.recorder)
    assert await failures(inbound.handle_all, record(body, ses_id)) == {}
    await web.nudger.fold({SHOP: (await p.store.head(SHOP)).position})
    commit = await p.store.by_claim(SHOP, received_mail_claim(ses_id))
    assert commit
    [message] = [ref for ref in commit.refs if ref.startswith("message/")]
    return message.removeprefix("message/")


async def arrives(
    web: Harness, *, shop: str = SHOP, held: str = "", key: str = "k", stored: Stored | None = None
) -> str:
    """A mail as the mail's reader records it, `stored` if it is sealed; answers the address of its
    page."""
    stored = stored or Stored({"bucket": held or web.settings.mail_bucket, "key": key}, None)
    conversation_id, message_id = random_id(), random_id()
    begun = Conversation.empty(f"conversation/{conversation_id}")
    begun.start(person="person/ada", channel="email", subject="Blue jam", now=web.clock())
    begun.receive(
        now=web.clock(),
        message_id=message_id,
        person="person/ada",
        from_name="Ada Brandt",
        from_address="ada@example.com",
        subject="Re: Blue jam",
        text="Yes please.",
        rfc_message_id=None,
        raw=stored.ref,
    )
    new: list[NewEvent] = decided(begun)
    refs = [begun.id, message_ref(message_id)]
    cause = Cause("mail", ref=stored.ref, opens=stored.opens)
    draft = Draft(shop, random_id(), "mail", "t", events=new, cause=cause, refs=refs)
    [outcome] = await web.parts.store.append([draft])
    await web.nudger.fold({shop: settled(outcome).position})
    return f"/conversations/{conversation_id}/messages/{message_id}"
