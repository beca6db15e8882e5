"""A merchant answers from their own mailbox: once, in their name alone, and nothing is lost."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from cplus.actors import MERCHANT
from cplus.aws import Aws
from cplus.commands import mailboxes
from cplus.commands.conversations import answering
from cplus.commands.conversations.answering import Conversations, answer_to
from cplus.consumers.mail.answer_loops import AN_HOUR
from cplus.events.catalogue.conversations import AnswerRefused, NoteWritten, ReplyWritten
from cplus.events.names import conversation_stream
from cplus.mail.mailbox_tokens import mailbox_address, mailbox_code, mailbox_token
from cplus.mail.replies.marker import marker_line, reference_line
from tests.integration.intake import failures
from tests.integration.mail_world import ADA, DOMAIN, SHOP, World, plain

OWNER = "owner@acorn.example"
FORGED = {"spf": "FAIL", "dkim": "FAIL", "dmarc": "FAIL"}
SHORT = "acorn"


class Merchant:
    """A merchant with a mailbox, and a customer who wrote."""

    def __init__(self, world: World, mailbox: str, conversation: str) -> None:
        self.world = world
        self.mailbox = mailbox
        self.conversation = conversation
        self.to = 0  # who was to get the answer when the mailbox was told
        self._secret = world.parts.settings.secret("application_secret")

    @classmethod
    async def of(cls, world: World) -> Merchant:
        mailbox = await mailbox_of(world, OWNER)
        await world.receive(plain("Do you have it in blue?"), "asked")
        return cls(world, mailbox, (await world.conversation()).conversation_id)

    @property
    def token(self) -> str:
        return mailbox_token(SHOP, self.conversation, self.mailbox, self._secret, self.to)

    @property
    def address(self) -> str:
        named = (SHOP, self.conversation, self.mailbox, self._secret, DOMAIN)
        return mailbox_address(*named, self.to)

    def answer(self, text: str, *, sender: str = OWNER, quotes: bool = True, **more: str) -> bytes:
        mail = EmailMessage()
        mail["From"] = f"Olive Owner <{sender}>"
        mail["To"] = self.address
        mail["Subject"] = "Re: Sizes"
        mail["Message-ID"] = more.pop("message_id", "<answer1@acorn.example>")
        mail["References"] = f"<{self.token}@{DOMAIN}> <n1@eu-west-1.amazonses.com>"
        for name, value in more.items():
            mail[name.replace("_", "-")] = value
        quoted = [
            f"On Sun, 1 Nov 2026 at 13:00, Ada via Acorn <{self.address}> wrote:",
            "",
            f"> {marker_line(self.token)}",
            "> Do you have it in blue?",
            "> https://app.example.com/conversations/secret",
            f"> {reference_line(self.token)}",
        ]
        mail.set_content("\n".join([text, "", *(quoted if quotes else [])]))
        return mail.as_bytes()

    async def sends(
        self, raw: bytes, ses_id: str = "answer1", to: str = "", **verdicts: Any
    ) -> None:
        await self.world.receive(raw, ses_id, to or self.address, **verdicts)

    async def told(self, kind: type[Any]) -> list[Any]:
        read = await self.world.parts.reader.read(await self.world.commits(), [kind])
        return [recorded.event for commit in read for recorded in commit]


async def mailbox_of(world: World, address: str, shop: str = SHOP) -> str:
    """The id of a mailbox that is verified."""
    use = Conversations(world.recorder, world.parts.clock)
    form: dict[str, Any] = {"source": "dashboard", "actor": MERCHANT, "use": use}
    await mailboxes.add_mailbox(shop, address, domain=DOMAIN, key=f"add-{address}", **form)
    found = await mailboxes.mailboxes_of(world.recorder, shop)
    [id_] = [one.id for one in found.by_id.values() if one.address == address]
    secret = world.parts.settings.secret("application_secret")
    code = mailbox_code(shop, id_, 1, secret)
    await mailboxes.verify(shop, id_, code, secret=secret, key=f"verify-{address}", **form)
    return id_


@pytest.fixture
async def merchant(world: World) -> Merchant:
    return await Merchant.of(world)


@pytest.mark.parametrize("quotes", [True, False], ids=["quoting", "without quoting"])
async def test_an_answer_is_the_merchants_reply_in_its_own_words(
    merchant: Merchant, quotes: bool
) -> None:
    await merchant.sends(merchant.answer("Yes, in blue.\nAnd in red.", quotes=quotes))
    [reply] = await merchant.told(ReplyWritten)
    assert reply.text == "Yes, in blue.\nAnd in red."
    assert reply.to_address == ADA
    assert reply.author == f"mailbox/{merchant.mailbox}"
    assert reply.originator_id == conversation_stream(merchant.conversation)
    actors = [commit.actor for commit in await merchant.world.commits()]
    assert actors[-2:] == [f"merchant/mailbox/{merchant.mailbox}"] * 2


async def test_the_same_answer_is_sent_once_however_often_it_is_delivered(
    merchant: Merchant,
) -> None:
    raw = merchant.answer("Yes, in blue.")
    await merchant.sends(raw, "answer1")
    await merchant.sends(raw, "answer1")  # SQS delivers it again
    await merchant.sends(raw, "answer2")  # SES takes it again, under another id
    assert len(await merchant.told(ReplyWritten)) == 1
    # Another mail under the same Message-ID is another one, and a mail without one has its own.
    await merchant.sends(merchant.answer("And in red."), "answer3")
    assert len(await merchant.told(ReplyWritten)) == 2


async def test_a_worker_that_crashes_after_the_reply_writes_no_second_one(
    merchant: Merchant, aws: Aws
) -> None:
    world = merchant.world
    message = await world.arrive(merchant.answer("Yes, in blue."), "answer1", merchant.address)

    class Crash(Exception):
        pass

    class Dying:
        """Records replies, and no mail."""

        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

        async def append(self, drafts: Any) -> Any:
            if any(draft.claim.startswith("mail/") for draft in drafts):
                raise Crash
            return await self._inner.append(drafts)

    from cplus.consumers.mail.inbound_email import Inbound
    from cplus.events.recording import Recorder

    parts = world.parts
    store: Any = Dying(parts.store)
    dying = Recorder(store, parts.reader, world.nudges)
    inbound = Inbound(parts.settings, store, parts.persons, aws, dying)
    assert await failures(inbound.handle_all, message) != {}
    assert len(await merchant.told(ReplyWritten)) == 1
    assert await failures(world.inbound.handle_all, message) == {}
    assert len(await merchant.told(ReplyWritten)) == 1


async def refused(merchant: Merchant) -> tuple[str, bool, str | None]:
    assert await merchant.told(ReplyWritten) == []
    [one] = await merchant.told(AnswerRefused)
    assert one.mailbox == merchant.mailbox
    assert one.person == (await merchant.world.conversation()).person
    return one.reason, one.proved, one.text


async def test_a_forged_merchant_is_refused_and_shown(merchant: Merchant) -> None:
    await merchant.sends(merchant.answer("Send the money to Mallory."), **FORGED)
    assert await refused(merchant) == ("unproved", False, "Send the money to Mallory.")
    [commit] = [c for c in await merchant.world.commits() if "mail/answer1" in c.claims]
    assert commit.actor == "shopper"  # and not in the merchant's name
    await merchant.sends(merchant.answer("Send the money to Mallory."), "again", **FORGED)
    assert len(await merchant.told(AnswerRefused)) == 1


async def test_a_domain_without_dmarc_needs_a_signature_of_its_own(merchant: Merchant) -> None:
    await merchant.sends(merchant.answer("Yes."), dmarc="GRAY")
    assert await refused(merchant) == ("unproved", False, "Yes.")


async def test_the_token_of_one_mailbox_does_not_serve_another(merchant: Merchant) -> None:
    await mailbox_of(merchant.world, "other@acorn.example")
    await merchant.sends(merchant.answer("Yes.", sender="other@acorn.example"))
    assert await refused(merchant) == ("other_mailbox", True, "Yes.")


async def test_a_mailbox_that_was_removed_or_is_off_answers_nothing(merchant: Merchant) -> None:
    await mailboxes.decide_mailboxes(
        merchant.world.recorder,
        SHOP,
        lambda m: m.switch_off(merchant.mailbox, "bounced", merchant.world.now),
        claim="off",
        source="test",
        actor="system/test",
    )
    await merchant.sends(merchant.answer("Yes."))
    assert await refused(merchant) == ("mailbox_off", True, "Yes.")


async def test_an_answer_to_what_is_years_old_is_refused(merchant: Merchant) -> None:
    days = merchant.world.parts.settings.token_days
    merchant.world.now += timedelta(days=days + 1)
    await merchant.sends(merchant.answer("Yes."))
    assert await refused(merchant) == ("expired", True, "Yes.")


async def test_an_answer_without_words_is_refused(merchant: Merchant) -> None:
    await merchant.sends(merchant.answer("", quotes=False))
    assert await refused(merchant) == ("empty", True, None)


async def test_of_an_answer_in_which_nothing_is_certain_all_is_shown(merchant: Merchant) -> None:
    await merchant.sends(merchant.answer(""))
    reason, _, text = await refused(merchant)
    assert reason == "empty"
    assert "Do you have it in blue?" in (text or "")


async def test_files_go_along_with_and_without_words(merchant: Merchant) -> None:
    def with_file(text: str, number: int) -> bytes:
        mail = message_from_bytes(
            merchant.answer(text, message_id=f"<f{number}@acorn.example>"), policy=policy.default
        )
        assert isinstance(mail, EmailMessage)
        mail.add_attachment(b"%PDF-" * 10, maintype="application", subtype="pdf", filename="a.pdf")
        return mail.as_bytes()

    await merchant.sends(with_file("See here.", 1), "f1")
    await merchant.sends(with_file("", 2), "f2")
    first, second = await merchant.told(ReplyWritten)
    assert (first.text, second.text) == ("See here.", "")
    for reply in (first, second):
        assert [file.name for file in reply.files] == ["a.pdf"]
        data = await merchant.world.parts.files.get(SHOP, reply.files[0])
        assert data == b"%PDF-" * 10
    await merchant.sends(with_file("#close", 3), "f3")
    assert len(await merchant.told(ReplyWritten)) == 3
    assert not (await merchant.world.conversation()).open
    await merchant.sends(with_file("#note Kept apart.", 4), "f4")
    [note] = await merchant.told(NoteWritten)
    assert note.text == "Kept apart.\n\n[Files not kept: 1]"


async def test_files_too_large_to_send_are_refused(merchant: Merchant) -> None:
    mail = message_from_bytes(merchant.answer("Look."), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    mail.add_attachment(b"x" * 30_000_001, maintype="application", subtype="pdf", filename="a.pdf")
    await merchant.sends(mail.as_bytes())
    assert await refused(merchant) == ("too_large", True, "Look.")


async def test_a_virus_is_refused_without_its_words(merchant: Merchant) -> None:
    await merchant.sends(merchant.answer("Yes."), virus="FAIL")
    assert await refused(merchant) == ("virus", True, None)


async def test_an_answer_of_a_book_is_refused(merchant: Merchant) -> None:
    await merchant.sends(merchant.answer("word " * 20_001, quotes=False))
    reason, proved, text = await refused(merchant)
    assert (reason, proved) == ("too_long", True)
    assert text


async def test_who_is_out_of_office_answers_nobody(merchant: Merchant) -> None:
    away = merchant.answer("I am on the beach.", Auto_Submitted="auto-replied")
    await merchant.sends(away)
    assert await merchant.told(ReplyWritten) == []
    assert await merchant.told(AnswerRefused) == []
    assert len(await merchant.world.received()) == 1


async def test_a_mail_of_the_merchant_to_the_plain_address_is_no_reply(merchant: Merchant) -> None:
    await merchant.sends(
        plain("Yes.", sender=OWNER, message_id="<p@acorn.example>"), to=f"{SHORT}@{DOMAIN}"
    )
    assert await merchant.told(ReplyWritten) == []
    assert len(await merchant.world.received()) == 2


async def test_somebody_else_at_that_address_writes_a_message_in_the_conversation(
    merchant: Merchant,
) -> None:
    # The merchant copied the customer, who answers all.
    await merchant.sends(
        merchant.answer("Thanks both!", sender=ADA, message_id="<2@shopper.example>")
    )
    assert await merchant.told(ReplyWritten) == []
    first, second = await merchant.world.received()
    assert (first.originator_id, second.text) == (second.originator_id, "Thanks both!")


async def test_nobody_answers_in_another_shop(merchant: Merchant) -> None:
    world = merchant.world
    await world.install("birch.myshopify.com")
    address = merchant.address.replace("acorn+", "birch+")
    await merchant.sends(merchant.answer("Yes."), to=address)
    assert await merchant.told(ReplyWritten) == []
    read = await world.parts.reader.read(
        await world.commits("birch.myshopify.com"), [ReplyWritten, AnswerRefused]
    )
    assert not [one for events in read for one in events]


async def test_close_closes_with_or_without_words(merchant: Merchant) -> None:
    await merchant.sends(merchant.answer("#Close\n\nYes, in blue."))
    [reply] = await merchant.told(ReplyWritten)
    assert reply.text == "Yes, in blue."
    assert not (await merchant.world.conversation()).open
    await merchant.world.receive(
        plain("Great!", message_id="<3@shopper.example>", References="<plain@shopper.example>"),
        "asked2",
    )
    assert (await merchant.world.conversation()).open
    await merchant.sends(merchant.answer("#close", message_id="<a2@acorn.example>"), "answer2")
    assert not (await merchant.world.conversation()).open
    assert len(await merchant.told(ReplyWritten)) == 1


async def test_a_note_is_kept_and_goes_to_nobody(merchant: Merchant) -> None:
    await merchant.sends(merchant.answer("#note She called.\nBe kind."))
    assert await merchant.told(ReplyWritten) == []
    [note] = await merchant.told(NoteWritten)
    assert note.text == "She called.\nBe kind."
    assert note.author == f"mailbox/{merchant.mailbox}"
    await merchant.sends(merchant.answer("#note She called.\nBe kind."), "answer2")
    assert len(await merchant.told(NoteWritten)) == 1


async def test_in_a_shop_with_a_long_name_an_answer_is_known_by_what_it_refers_to(
    world: World,
) -> None:
    long = "a" * 40 + ".myshopify.com"
    await world.install(long)
    mailbox = await mailbox_of(world, OWNER, long)
    to = f"{'a' * 40}@{DOMAIN}"
    await world.receive(plain("In blue?"), "asked", to)
    talk = await world.conversation(long)
    secret = world.parts.settings.secret("application_secret")
    token = mailbox_token(long, talk.conversation_id, mailbox, secret)
    raw = plain(
        "Yes.", sender=OWNER, message_id="<a@acorn.example>", References=f"<{token}@{DOMAIN}>"
    )
    await world.receive(raw, "answer1", to)
    assert (await world.types(long))[-2:] == [["reply_written"], []]


async def test_an_answer_goes_to_nobody_else_than_the_notification_said(merchant: Merchant) -> None:
    world = merchant.world
    bob = plain("I am Bob.", sender="bob@other.example", message_id="<b@other.example>")
    await world.receive(bob, "b1", await world.token_address())
    moved = (await world.received())[-1].message_id
    await answer_to(
        SHOP, merchant.conversation, message_id=moved, key="moved", actor=MERCHANT,
        source="dashboard", use=Conversations(world.recorder, world.parts.clock),
    )  # fmt: skip
    await merchant.sends(merchant.answer("Dear Ada, your card ends in 1234"))
    assert await refused(merchant) == ("moved", True, "Dear Ada, your card ends in 1234")
    # Of a notification that named Bob, the answer is his.
    merchant.to = (await world.conversation()).recipient
    await merchant.sends(merchant.answer("Dear Bob", message_id="<2@acorn.example>"), "answer2")
    [reply] = await merchant.told(ReplyWritten)
    assert (reply.to_address, reply.text) == ("bob@other.example", "Dear Bob")


async def test_what_is_almost_a_note_goes_to_nobody(merchant: Merchant) -> None:
    for number, first in enumerate(["*#note*", "#note:", "\u200b#note\u00a0"]):
        raw = merchant.answer(f"{first} he lies", message_id=f"<n{number}@acorn.example>")
        await merchant.sends(raw, f"n{number}")
    assert [note.text for note in await merchant.told(NoteWritten)] == ["he lies"] * 3
    await merchant.sends(merchant.answer("#noted, he lies", message_id="<n9@acorn.example>"), "n9")
    assert await refused(merchant) == ("command", True, "#noted, he lies")


async def test_two_programs_that_answer_each_other_come_to_an_end(merchant: Merchant) -> None:
    world = merchant.world
    for number in range(6):
        id_ = f"<away{number}@acorn.example>"
        raw = merchant.answer("I travel and read this on\nMonday.", message_id=id_)
        await merchant.sends(raw, f"away{number}")
        await merchant.sends(raw, f"away{number}")  # delivered again
        theirs = plain("I am away.", message_id=f"<theirs{number}@shopper.example>")
        await world.receive(theirs, f"theirs{number}", await world.token_address())
    assert len(await merchant.told(ReplyWritten)) == 2
    assert [one.reason for one in await merchant.told(AnswerRefused)] == ["automatic"] * 4
    # A person who says something else is heard, and may say it again from the dashboard.
    await merchant.sends(merchant.answer("Back.", message_id="<back@acorn.example>"), "back")
    use = Conversations(world.recorder, world.parts.clock)
    form: dict[str, Any] = {"source": "dashboard", "actor": MERCHANT, "use": use}
    await answering.reply(SHOP, merchant.conversation, text="At the desk.", key="desk", **form)
    again = merchant.answer("I travel and read this on Monday.", message_id="<last@acorn.example>")
    await merchant.sends(again, "last")
    assert len(await merchant.told(ReplyWritten)) == 5


async def test_a_mailbox_answers_so_often_in_an_hour_and_no_more(merchant: Merchant) -> None:
    async def answers(first: int, last: int) -> int:
        for number in range(first, last):
            id_ = f"<h{number}@acorn.example>"
            await merchant.sends(merchant.answer(f"Case {number}", message_id=id_), f"h{number}")
        return len(await merchant.told(ReplyWritten))

    assert await answers(0, AN_HOUR + 1) == AN_HOUR
    merchant.world.later(hours=1)
    assert await answers(AN_HOUR + 1, AN_HOUR + 2) == AN_HOUR + 1
