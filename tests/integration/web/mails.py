"""A raw mail, and mail that was set aside, for tests of the pages that show them."""

from __future__ import annotations

from datetime import timedelta

from cplus.events.base import NewEvent
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import settled
from cplus.events.names import mail_stream, message_ref
from cplus.ids import random_id
from tests.integration.web.harness import SHOP, Harness
from tests.samples import MAIL_ASIDE

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
