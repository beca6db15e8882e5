"""No two programs write to each other for ever, whatever marks their mail."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import EmailMessage
from typing import Any

import pytest

from cplus.events.names import person
from cplus.ids import random_id
from cplus.mail import shop_address
from tests.conftest import Figures
from tests.integration.consumers.sending.answering import OTHER, Answering, told
from tests.integration.mail_world import DOMAIN, SHOP


async def test_many_strangers_at_once_get_a_bounded_number_in_an_hour(
    answering: Answering,
) -> None:
    await answering.switch_on()
    use = answering.use(in_an_hour=5)
    for number in range(12):
        await told(answering, use, f"s{number}@shopper.example", person(f"s{number}"))
    assert len(await answering.replies()) == 5
    answering.world.later(hours=1)
    await told(answering, use, "later@shopper.example", person("later"))
    assert len(await answering.replies()) == 6


async def _answers_everything(answering: Answering, rounds: int) -> None:
    """Each round the responder writes a new text under a new subject, in a new conversation, as a
    program does that keeps no header of what it answers; a day later, so that no day stands in its
    way."""
    await answering.switch_on(acknowledge=True, acknowledge_text="Got it")
    use = answering.use()
    for _round in range(rounds):
        await told(answering, use, answering.ann, person("bot"))
        answering.world.later(days=1)
    assert len(await answering.replies()) == 2


async def test_a_responder_that_marks_nothing_and_answers_everything_gets_two_mails(
    answering: Answering,
) -> None:
    await _answers_everything(answering, 40)


@pytest.mark.soak
async def test_a_responder_that_marks_nothing_gets_two_mails_in_1000_rounds(
    answering: Answering, figures: Figures
) -> None:
    """A foreign program answers everything with a new text under a new subject, in a new
    conversation each day, and nothing marks its mail: of 1,000 rounds two are answered."""
    await _answers_everything(answering, 1_000)
    figures(rounds=1_000, mails=2)


async def _in_one_thread(answering: Answering, rounds: int) -> None:
    await answering.switch_on(acknowledge=True, acknowledge_text="Got it")
    await answering.write("Ticket 0")
    await answering.react()
    assert await answering.send() == ["sent"]
    address = await answering.world.token_address()
    for number in range(rounds):
        answering.world.later(hours=1)
        await answering.write(f"Ticket {number} was updated", address, subject=f"[{number}] Hi")
        await answering.react()
    assert await answering.send() == ["sent"]
    assert len(await answering.mails()) == 1


async def test_a_responder_in_one_thread_gets_one_mail(answering: Answering) -> None:
    await _in_one_thread(answering, 15)


@pytest.mark.soak
async def test_a_responder_in_one_thread_gets_one_mail_in_1000_rounds(
    answering: Answering, figures: Figures
) -> None:
    """A foreign program answers our automatic reply, and itself, in one conversation for weeks; the
    mails come in as any others do: of 1,000 rounds one is answered."""
    await _in_one_thread(answering, 1_000)
    figures(rounds=1_000, mails=1)


MARKS = ("Auto-Submitted", "Precedence", "X-Auto-Response-Suppress", "Reply-To")


async def _two_shops(answering: Answering, rounds: int, stripped: Sequence[str] = ()) -> int:
    """Bea forwards what she gets of one shop to the other: as it is, or in her own name, under a
    new subject and without what marks it. Answers how many mails left."""
    world = answering.world
    await world.install(OTHER)
    for shop in (SHOP, OTHER):
        await answering.switch_on(shop, acknowledge=True, acknowledge_text="Got it")
    bea = f"bea-{answering.ann}"
    ways = {SHOP: shop_address(OTHER, DOMAIN), OTHER: shop_address(SHOP, DOMAIN)}
    known = {SHOP: 0, OTHER: 0}
    await answering.write("Hello", sender=bea)
    last: dict[str, Any] = {}
    raw = EmailMessage()
    for number in range(rounds):
        for shop in (SHOP, OTHER):
            await answering.react(shop)
            looks = number < 3 or number % 100 == 0  # each look reads the whole log
            if looks and len(await answering.replies(shop)) != known[shop]:
                known[shop] += 1
                await answering.send(shop)
                last = (await answering.mails(bea))[-1]
                raw = await answering.headers(last)
                for name in stripped:
                    del raw[name]
            if stripped:
                raw.replace_header("From", bea)
                raw.replace_header("Message-ID", f"<{random_id()}@a.example>")
                raw.replace_header("Subject", f"Round {number}")
            sender = SHOP if "acorn" in last["source"] else OTHER
            await answering.comes(raw.as_bytes(), ways[sender])
        world.later(hours=1)
    for shop in (SHOP, OTHER):
        await answering.send(shop)
    return len(await answering.mails(bea))


async def test_two_shops_of_ours_never_answer_each_other(answering: Answering) -> None:
    assert await _two_shops(answering, 3) == 1


async def test_two_shops_whose_mail_somebody_forwards_in_their_own_name_send_two_mails(
    answering: Answering,
) -> None:
    assert await _two_shops(answering, 3, MARKS) == 2


@pytest.mark.soak
async def test_two_shops_of_ours_never_answer_each_other_in_1000_rounds(
    answering: Answering, figures: Figures
) -> None:
    """Two shops of the app answer by themselves, and somebody forwards each automatic reply of one
    to the other, in their own name and without what marks it: of 1,000 rounds two mails leave."""
    assert await _two_shops(answering, 1_000, MARKS) == 2
    figures(rounds=1_000, mails=2)
