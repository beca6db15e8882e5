"""A raw mail, and mail that was set aside, for tests of the pages that show them."""

from __future__ import annotations

from cplus.events.base import NewEvent
from cplus.events.log.commit import Draft
from cplus.events.log.outcomes import settled
from cplus.events.names import mail_stream, message_ref
from cplus.ids import random_id
from tests.integration.web.harness import SHOP, Harness
from tests.samples import MAIL_ASIDE

BUCKET = "mail"
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


async def set_aside(web: Harness, subject: str = "A lamp", *, shop: str = SHOP) -> str:
    """A mail as the mail's reader records it; answers the address of its page."""
    raw = {"bucket": BUCKET, "key": "k"}
    mail = MAIL_ASIDE.model_copy(update={"message_id": random_id(), "subject": subject, "raw": raw})
    stream = mail_stream(mail.message_id)
    new, refs = [NewEvent(stream, mail, web.clock())], [stream, message_ref(mail.message_id)]
    draft = Draft(shop=shop, claim=random_id(), source="mail", actor="t", events=new, refs=refs)
    [outcome] = await web.parts.store.append([draft])
    await web.nudger.fold({shop: settled(outcome).position})
    return f"/inbox/automatic/{mail.message_id}"
