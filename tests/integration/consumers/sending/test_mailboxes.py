"""Merchants are told in their own mailbox: of what they chose, once, and can answer it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from cplus.actors import MERCHANT
from cplus.aws import Aws
from cplus.commands import mailboxes
from cplus.commands.conversations.answering import answer_to, close
from cplus.commands.conversations.automatic_mail import make_conversation
from cplus.consumers.mailboxes.digests import digest_at, next_digest
from cplus.consumers.sending.purpose import Never
from cplus.errors import InvalidInput
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.catalogue.mail import MailBounced, MailComplained
from cplus.events.catalogue.privacy import ErasureRequested
from cplus.events.catalogue.shops import AppUninstalled
from cplus.mail.mailbox_tokens import mailbox_code
from cplus.mail.replies.marker import marker_line
from cplus.privacy.erasing.procedure import erase
from tests.integration.consumers.sending.told_mailboxes import OWNER, Told
from tests.integration.mail_world import ADA, DOMAIN, SHOP, World, plain


@pytest.fixture
async def told(mongo_uri: str, database: str, aws_endpoint: str, aws: Aws) -> AsyncIterator[Told]:
    made = await World.make(mongo_uri, database, aws_endpoint, aws)
    yield Told(made)
    await made.close()


async def nobody_behind(_shop: str, _position: int) -> list[str]:
    return []


def words(mail: EmailMessage, kind: str = "plain") -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


async def test_an_address_is_verified_by_the_code_that_was_mailed_to_it(told: Told) -> None:
    mailbox = await told.add()
    [wish] = await told.wishes(mailboxes.VERIFICATION)
    mail = await told.mail(wish)
    assert mail["To"] == OWNER
    code = mailbox_code(SHOP, mailbox, 1, told.secret)
    assert f"The code is {code}" in words(mail)
    assert f"/settings/mail?mailbox={mailbox}&code={code}" in words(mail)
    with pytest.raises(InvalidInput, match="not the code"):
        await mailboxes.verify(SHOP, mailbox, "aaaaa-aaaaa", secret=told.secret, key="wrong",
                               **told._form)  # fmt: skip
    await told.verify(mailbox)
    assert isinstance(await told.made(wish), Never)  # it is needed no more


@pytest.mark.parametrize("address", ["", "owner", f"acorn@{DOMAIN}", "a@b@c.example", "x" * 400])
async def test_what_is_no_address_of_a_merchant_is_refused(told: Told, address: str) -> None:
    with pytest.raises(InvalidInput):
        await told.add(address)


async def test_each_message_is_told_once_with_words_and_a_way_to_answer(told: Told) -> None:
    mailbox = await told.on()
    await told.world.receive(plain("Do you have it\nin blue?"), "ses1")
    await told.react()
    await told.react()
    [wish] = await told.wishes()
    assert wish.about["mailbox"] == mailbox
    mail = await told.mail(wish)
    assert str(mail["From"]).startswith("Ada via ")
    assert mail["Subject"] == "Sizes"
    assert str(mail["Reply-To"]).startswith("acorn+")
    assert "Do you have it\nin blue?" in words(mail)
    assert "/conversations/" in words(mail)
    assert "Do you have it" in words(mail, "html")
    # A second message of the conversation is in the same thread.
    await told.world.receive(
        plain("Or red?", message_id="<2@shopper.example>", References="<plain@shopper.example>"),
        "ses2",
    )
    await told.react()
    second = await told.mail((await told.wishes())[1])
    assert "Or red?" in words(second)
    assert "in blue" not in words(second)
    assert str(second["References"]).split()[0] == str(mail["References"]).split()[0]


async def test_an_answer_to_the_very_mail_becomes_the_reply(told: Told) -> None:
    await told.on()
    await told.world.receive(plain("Do you have it in blue?"), "ses1")
    await told.react()
    mail = await told.mail((await told.wishes())[0])
    quoted = "\n".join(f"> {line}" for line in words(mail).splitlines())
    answer = EmailMessage()
    answer["From"] = f"Olive <{OWNER}>"
    answer["Message-ID"] = "<a@acorn.example>"
    answer["References"] = str(mail["References"])
    answer.set_content(f"Yes!\n\nOn Sun, 1 Nov 2026 at 12:00, {mail['From']} wrote:\n\n{quoted}\n")
    assert marker_line(None)[:20] in words(mail)
    await told.world.receive(answer.as_bytes(), "ses2", str(mail["Reply-To"]))
    read = await told.world.parts.reader.read(await told.world.commits(), [ReplyWritten])
    [reply] = [recorded.event for commit in read for recorded in commit]
    assert isinstance(reply, ReplyWritten)
    assert (reply.text, reply.to_address) == ("Yes!", ADA)


async def test_small_files_come_along_and_large_ones_are_named(told: Told) -> None:
    await told.on()

    def with_file(size: int, number: int) -> bytes:
        mail = EmailMessage()
        mail["From"] = f"Ada <{ADA}>"
        mail["Message-ID"] = f"<{number}@shopper.example>"
        mail.set_content("See the photo.")
        mail.add_attachment(b"x" * size, maintype="application", subtype="x-y", filename="p.bin")
        return mail.as_bytes()

    await told.world.receive(with_file(1_000, 1), "ses1")
    await told.world.receive(with_file(5 * 1024 * 1024 + 1, 2), "ses2")
    await told.react()
    mails = [await told.mail(wish) for wish in await told.wishes()]
    named = [[one.get_filename() for one in mail.iter_attachments()] for mail in mails]
    assert sorted(named) == [[], ["p.bin"]]  # they are told side by side
    assert all("Attached: p.bin" in words(mail) for mail in mails)


async def test_nobody_is_told_of_what_a_program_wrote_or_what_came_before(told: Told) -> None:
    await told.world.receive(plain("Before"), "ses0")
    told.world.later(seconds=1)
    await told.on()
    await told.on("quiet@acorn.example", "nothing")
    away = plain("Away", message_id="<2@shopper.example>", Auto_Submitted="auto-replied",
                 References="<plain@shopper.example>")  # fmt: skip
    await told.world.receive(away, "ses1")
    await told.world.receive(plain("Buy!", message_id="<3@spam.example>"), "ses2", spam="FAIL")
    await told.react()
    assert await told.wishes() == []


async def test_what_was_marked_as_spam_meanwhile_is_not_sent(told: Told) -> None:
    await told.on()
    await told.world.receive(plain("Buy!"), "ses1")
    await told.react()
    [wish] = await told.wishes()
    conversation = await told.world.conversation()
    await told.world.recorder.decide(
        type(conversation), SHOP, conversation.id, lambda c: c.mark_spam(told.world.now),
        claim="spam", source="test", actor="merchant",
    )  # fmt: skip
    assert isinstance(await told.made(wish), Never)


async def test_what_nobody_answered_is_told_after_a_while_all_of_it_at_once(told: Told) -> None:
    await told.on(notify="unanswered", minutes=30)
    await told.world.receive(plain("In blue?"), "ses1")
    told.world.later(minutes=10)
    more = plain("Or red?", message_id="<2@shopper.example>", References="<plain@shopper.example>")
    await told.world.receive(more, "ses2")
    await told.react()
    told.world.later(minutes=19)
    await told.sweep()
    assert await told.wishes() == []
    told.world.later(minutes=1)
    await told.sweep()
    await told.sweep()
    [wish] = await told.wishes()
    text = words(await told.mail(wish))
    assert text.index("In blue?") < text.index("Or red?")


async def test_what_was_answered_or_closed_in_time_is_not_told(told: Told) -> None:
    await told.on(notify="unanswered", minutes=30)
    await told.world.receive(plain("In blue?"), "ses1")
    await told.react()
    await told.world.answer()
    told.world.later(minutes=31)
    await told.sweep()
    more = plain("Thanks!", message_id="<2@shopper.example>", References="<plain@shopper.example>")
    await told.world.receive(more, "ses2")
    await told.react()
    talk = (await told.world.conversation()).conversation_id
    await close(SHOP, talk, key="k1", source="dashboard", actor=MERCHANT, use=told.use)
    told.world.later(minutes=31)
    await told.sweep()
    assert await told.wishes() == []


async def test_a_mailbox_that_bounces_for_good_is_off(told: Told) -> None:
    mailbox = await told.on()

    def bounced(message: str, *, permanent: bool) -> MailBounced:
        return MailBounced(message_id=message, purpose="notification", about={"mailbox": mailbox},
                           permanent=permanent, reason="Permanent/General")  # fmt: skip

    await told.record(bounced("n1", permanent=False), "mail/n1", "bounce1")
    await told.react()
    assert list((await mailboxes.mailboxes_of(told.world.recorder, SHOP)).on) == [mailbox]
    await told.record(bounced("n2", permanent=True), "mail/n2", "bounce2")
    await told.react()
    found = (await mailboxes.mailboxes_of(told.world.recorder, SHOP)).find(mailbox)
    assert (found.on, found.off) == (False, "bounced")
    await told.world.receive(plain("Hello?"), "ses1")
    await told.react()
    assert await told.wishes() == []


async def test_what_is_removed_is_erased_and_gets_nothing_that_waited(told: Told) -> None:
    mailbox = await told.on()
    await told.world.receive(plain("Hello?"), "ses1")
    await told.react()
    [wish] = await told.wishes()
    await mailboxes.remove(SHOP, mailbox, key="gone", **told._form)
    await told.react()
    assert isinstance(await told.made(wish), Never)
    read = await told.world.parts.reader.read(await told.world.commits(), [ErasureRequested])
    asked: list[Any] = [recorded.event for commit in read for recorded in commit]
    assert [one.person for one in asked] == [wish.person]
    parts = told.world.parts
    erasing = replace(parts.erasing, recorder=told.world.recorder, behind=nobody_behind)
    await erase(SHOP, asked[0].erasure, use=erasing)
    [former] = (await mailboxes.mailboxes_of(parts.recorder, SHOP)).former.values()
    assert former.address == ""
    assert (await told.world.received())[0].text == "Hello?"  # of the customer nothing is gone


async def test_an_uninstall_ends_the_mailboxes(told: Told) -> None:
    await told.on()
    await told.on("second@acorn.example")
    told.world.later(minutes=1)
    await told.record(AppUninstalled(), f"shop/{SHOP}", "uninstall")
    await told.react()
    await told.react()
    assert not (await mailboxes.mailboxes_of(told.world.recorder, SHOP)).by_id


async def test_a_refused_answer_is_told_once_an_hour_and_a_forged_one_never(told: Told) -> None:
    await told.on()
    await told.world.receive(plain("In blue?"), "ses1")
    await told.react()
    to = str((await told.mail((await told.wishes())[0]))["Reply-To"])
    for number, verdict in enumerate(["FAIL", "PASS", "PASS"]):
        id_ = f"<e{number}@acorn.example>"
        empty = plain("", sender=OWNER, message_id=id_)
        await told.world.receive(empty, f"e{number}", to, dmarc=verdict)
        await told.react()
        assert len(await told.wishes("answer_refused")) == min(number, 1)
    told.world.later(hours=1)
    await told.world.receive(plain("", sender=OWNER, message_id="<e9@acorn.example>"), "e9", to)
    await told.react()
    first, second = await told.wishes("answer_refused")
    mail = await told.mail(first)
    assert "Nothing was written in it" in words(mail)
    # It says which of the answers it was.
    assert mail["Subject"] == "Your answer was not sent: Sizes"
    assert f"Your answer to {ADA}, “Sizes”, was not sent on." in words(mail)
    assert second.message_id != first.message_id


async def test_a_digest_goes_once_a_day_if_somebody_waits(told: Told) -> None:
    mailbox = await told.on(notify="digest", hour=9)
    await told.react()
    told.world.now = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
    await told.sweep()
    assert await told.wishes("digest") == []  # nobody waits
    [row] = await told.world.parts.mongo.database["due"].find({}).to_list(9)
    assert row["due_at"].replace(tzinfo=UTC) == datetime(2026, 11, 3, 9, tzinfo=UTC)
    assert row["ref"] == mailbox


async def test_a_digest_lists_who_waits_once_a_day_and_nothing_at_another_hour(told: Told) -> None:
    mailbox = await told.on(notify="digest", hour=9)
    await told.react()
    await told.world.receive(plain("In blue?", subject="Sizes"), "ses1")
    await told.fold()
    told.world.now = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
    await told.sweep()
    await told.sweep()
    [wish] = await told.wishes("digest")
    mail = await told.mail(wish)
    assert str(mail["Subject"]).startswith("1 conversation awaits a reply in ")
    assert "Ada, 1 November at 12:00\nSizes" in words(mail)
    assert await told.wishes() == []  # each message is not told
    # Answered before it goes: it helps no more.
    await told.world.answer()
    await told.fold()
    assert isinstance(await told.made(wish), Never)
    # Another hour was chosen: the row of before only leads to the next one.
    await told.world.receive(
        plain("Or red?", message_id="<2@shopper.example>", References="<plain@shopper.example>"),
        "ses2",
    )
    await told.choose(mailbox, "digest", hour=18)
    await told.fold()
    told.world.now = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
    await told.sweep()
    assert len(await told.wishes("digest")) == 1
    told.world.now = datetime(2026, 11, 3, 18, 0, tzinfo=UTC)
    await told.sweep()
    assert len(await told.wishes("digest")) == 2


def test_a_digest_keeps_the_hour_of_the_shop_over_the_change_of_the_clocks() -> None:
    from zoneinfo import ZoneInfo

    berlin = ZoneInfo("Europe/Berlin")
    at = datetime(2026, 10, 24, 6, tzinfo=UTC)
    hours = []
    for _ in range(3):
        at = next_digest(at, 9, berlin)
        hours.append(at.hour)
    assert hours == [7, 8, 8]
    # An hour that the clocks leave out is the next one, and it does not stop there.
    spring = next_digest(datetime(2026, 3, 28, 12, tzinfo=UTC), 2, berlin)
    assert spring == digest_at(spring.astimezone(berlin).date(), 2, berlin)
    assert next_digest(spring, 2, berlin) > spring + timedelta(hours=20)


async def test_a_mail_names_the_address_to_which_its_answer_goes(told: Told) -> None:
    world = told.world
    await told.on()
    await world.receive(plain("In blue?"), "ses1")
    await told.react()  # both at once are told in any order
    bob = plain("I am Bob.", sender="bob@other.example", message_id="<b@other.example>")
    await world.receive(bob, "ses2", await world.token_address())
    await told.react()
    asked, copied = [await told.mail(wish) for wish in await told.wishes()]
    assert "I am Bob." in words(copied)  # and yet replies go to Ada
    for mail in (asked, copied):
        assert f"Reply to this mail to answer {ADA}:" in words(mail)
    moved = (await world.received())[-1].message_id
    talk = (await world.conversation()).conversation_id
    await answer_to(SHOP, talk, message_id=moved, key="moved", **told._form)
    later = await told.mail((await told.wishes())[-1])
    assert "Reply to this mail to answer bob@other.example:" in words(later)
    assert later["Reply-To"] != copied["Reply-To"]
    assert later["In-Reply-To"] == copied["In-Reply-To"]  # one thread all the same


async def test_a_message_waits_its_own_time_also_if_one_before_was_answered(told: Told) -> None:
    await told.on(notify="unanswered", minutes=1_440)
    await told.world.receive(plain("In blue?"), "ses1")
    await told.react()
    told.world.later(minutes=60)
    await told.world.answer()
    told.world.later(minutes=1_370)
    ids = {"message_id": "<2@shopper.example>", "References": "<plain@shopper.example>"}
    await told.world.receive(plain("And red?", **ids), "ses2")
    await told.react()
    for minutes, number in ((11, 0), (1_428, 0), (1, 1), (1_440, 1)):
        told.world.later(minutes=minutes)
        await told.sweep()
        assert len(await told.wishes()) == number


async def test_a_mail_has_no_words_from_before_its_mailbox_was_verified(told: Told) -> None:
    await told.world.receive(plain("Long before"), "ses1")
    told.world.later(minutes=1)
    await told.on(notify="unanswered", minutes=10)
    ids = {"message_id": "<2@shopper.example>", "References": "<plain@shopper.example>"}
    await told.world.receive(plain("And red?", **ids), "ses2")
    await told.react()
    told.world.later(minutes=10)
    await told.sweep()
    [wish] = await told.wishes()
    text = words(await told.mail(wish))
    assert "And red?" in text
    assert "Long before" not in text


async def test_a_virus_that_was_taken_up_goes_to_no_mailbox(told: Told) -> None:
    await told.on(notify="unanswered", minutes=10)
    await told.world.receive(plain("In blue?"), "ses1")
    ids = {"message_id": "<v@shopper.example>", "References": "<plain@shopper.example>"}
    bill = message_from_bytes(plain("My bill", **ids), policy=policy.default)
    assert isinstance(bill, EmailMessage)
    bill.add_attachment(b"MZ", maintype="application", subtype="pdf", filename="bill.exe")
    await told.world.receive(bill.as_bytes(), "ses2", virus="FAIL")
    [aside] = await told.world.asides()
    form = {**told._form, "warned": True}
    await make_conversation(SHOP, aside.message_id, **form)
    await told.react()
    told.world.later(minutes=11)
    await told.sweep()
    mail = await told.mail((await told.wishes())[-1])
    assert list(mail.iter_attachments()) == []
    assert "bill.exe (a virus was found in this mail" in words(mail).replace("\n", " ")


async def test_what_is_too_much_in_an_hour_goes_in_the_next_if_nobody_answered(told: Told) -> None:
    told.news = replace(told.news, in_an_hour=2)
    await told.on()
    await told.on("second@acorn.example")
    for number in (1, 2):
        again = {"References": "<1@shopper.example>"} if number > 1 else {}
        mail = plain(f"Message {number}", message_id=f"<{number}@shopper.example>", **again)
        await told.world.receive(mail, f"ses{number}")
        await told.react()
        await told.react()
    assert len(await told.wishes()) == 2
    await told.sweep()  # not yet
    assert len(await told.wishes()) == 2
    told.world.now = datetime(2026, 11, 1, 13, 0, tzinfo=UTC)
    await told.sweep()
    await told.sweep()
    wishes = await told.wishes()
    assert len({(one.about["message"], one.about["mailbox"]) for one in wishes}) == 4
    # Of what was answered meanwhile nobody is told.
    told.world.now = datetime(2026, 11, 1, 13, 30, tzinfo=UTC)
    third = plain("3", message_id="<3@shopper.example>", References="<1@shopper.example>")
    await told.world.receive(third, "ses3")
    await told.react()
    await told.world.answer()
    told.world.now = datetime(2026, 11, 1, 14, 0, tzinfo=UTC)
    await told.sweep()
    assert len(await told.wishes()) == 4


async def test_where_our_mail_was_called_spam_the_address_stays_known(told: Told) -> None:
    mailbox = await told.add()
    [wish] = await told.wishes(mailboxes.VERIFICATION)
    complained = MailComplained(
        message_id=wish.message_id, purpose=wish.purpose, about=wish.about, conversation_id=None
    )
    await told.record(complained, f"mail/{wish.message_id}", "complaint")
    await told.react()
    await mailboxes.remove(SHOP, mailbox, key="r" * 20, **told._form)
    await told.react()
    types = [one for commit in await told.world.types() for one in commit]
    assert "erasure_requested" not in types
    told.world.later(days=60)
    with pytest.raises(InvalidInput, match="marked as spam"):
        await mailboxes.add_mailbox(SHOP, OWNER, domain=DOMAIN, key="again", **told._form)
    assert len(await told.wishes(mailboxes.VERIFICATION)) == 1
