"""Notes, and mail in the merchant's name that was not sent on, in the thread."""

from __future__ import annotations

import httpx

from cplus.actors import MERCHANT
from cplus.commands import mailboxes
from cplus.commands.conversations.answering import Conversations
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.names import conversation_stream, message_ref
from tests.integration.web.harness import OTHER, SHOP, Harness, fields_of


async def decided(web: Harness, talk: str, message: str, decision: str, **more: object) -> None:
    await web.parts.recorder.decide(
        Conversation,
        SHOP,
        conversation_stream(talk),
        lambda c: getattr(c, decision)(message_id=message, now=web.clock(), **more),
        claim=f"test/{message}",
        source="mail",
        actor="shopper",
        refs=[message_ref(message)],
    )
    await web.nudger.fold({SHOP: (await web.parts.store.head(SHOP)).position})


async def mailbox(web: Harness) -> str:
    use = Conversations(web.parts.recorder, web.parts.clock)
    await mailboxes.add_mailbox(
        SHOP, "owner@acorn.example", domain="mail.example", key="add",
        source="dashboard", actor=MERCHANT, use=use,
    )  # fmt: skip
    [one] = (await mailboxes.mailboxes_of(web.parts.recorder, SHOP)).by_id
    return one


async def refuse(web: Harness, talk: str, text: str | None = "Yes,\n<b>in blue</b>.") -> str:
    box = await mailbox(web)
    await decided(
        web, talk, "a1", "refuse_answer",
        mailbox=box, reason="unproved", proved=False, text=text, attachments=2,
    )  # fmt: skip
    return box


async def test_a_mail_that_was_not_sent_is_shown_with_its_reason_and_can_be_taken_over(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    talk = await web.conversation()
    await refuse(web, talk)
    page = (await browser.get(f"/conversations/{talk}")).text
    assert "A mail that claims to be yours was not sent" in page
    assert "Nothing proves that it came from your mailbox" in page
    assert "owner@acorn.example" in page.replace("<wbr>", "")
    assert "2 files, not kept here" in page
    assert "&lt;b&gt;in blue&lt;/b&gt;" in page
    assert f"/conversations/{talk}?undone=a1#end" in page
    taken = (await browser.get(f"/conversations/{talk}?undone=a1")).text
    assert "\nYes,\n&lt;b&gt;in blue&lt;/b&gt;.</textarea>" in taken
    keys = {fields_of(taken, f"/conversations/{talk}/reply")["key"] for _ in range(2)}
    assert len(keys) == 1  # it is sent once, from wherever
    history = (await browser.get(f"/conversations/{talk}/history")).text
    assert "Did not send a mail that claims to be the merchant’s" in history
    assert (await browser.get(f"/conversations/{talk}")).text.count("Awaiting reply") > 0


async def test_it_is_taken_over_in_its_own_conversation_and_shop_alone(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    talk, other = await web.conversation(), await web.conversation()
    await refuse(web, talk)
    assert "in blue" not in (await browser.get(f"/conversations/{other}?undone=a1")).text
    async with web.signed_in(OTHER) as stranger:
        assert (await stranger.get(f"/conversations/{talk}?undone=a1")).status_code == 404


async def test_without_words_there_is_nothing_to_take_over(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    talk = await web.conversation()
    await refuse(web, talk, None)
    page = (await browser.get(f"/conversations/{talk}")).text
    assert "was not sent" in page
    assert "undone=a1" not in page


async def test_a_note_is_shown_to_merchants_as_one(
    web: Harness, browser: httpx.AsyncClient
) -> None:
    talk = await web.conversation()
    box = await mailbox(web)
    await decided(web, talk, "n1", "note", text="She <called>.", author=f"mailbox/{box}")
    page = (await browser.get(f"/conversations/{talk}")).text
    assert "Note: only your team sees it" in page
    assert "She &lt;called&gt;." in page
    assert "owner@acorn.example" in page.replace("<wbr>", "")
