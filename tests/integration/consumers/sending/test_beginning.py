"""A merchant writes first: to whom it goes, what it counts for, and where the answer comes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from cplus.actors import merchant
from cplus.aws import Aws
from cplus.commands.conversations.answering import Extras, SentBefore
from cplus.commands.conversations.attaching import Chosen
from cplus.commands.conversations.beginning import Begun, begin
from cplus.errors import InvalidInput
from cplus.events.aggregates.billing_account import month_of
from cplus.events.catalogue.conversations import ConversationStarted
from cplus.events.names import started_ref
from cplus.ids import random_id
from tests.integration.dying_aws import sent_to
from tests.integration.intake import failures, record
from tests.integration.mail_world import DOMAIN, SHOP, World, form, plain


@pytest.fixture
def shopper() -> str:
    """An address to which no other test sends: they share the mailbox."""
    return f"{random_id(12)}@shopper.example"


@pytest.fixture
async def world(mongo_uri: str, database: str, aws_endpoint: str, aws: Aws) -> AsyncIterator[World]:
    """A shop to which nobody wrote yet."""
    made = await World.make(mongo_uri, database, aws_endpoint, aws)
    yield made
    await made.close()


async def write(
    world: World,
    to: str,
    text: str = "It is ready.",
    key: str = "k" * 20,
    *,
    subject: str = "Your order",
) -> Begun | SentBefore:
    return await begin(
        SHOP, to=to, text=text, key="k" * 20, actor=merchant("ada"), source="dashboard",
        use=world.parts.beginning, subject=subject,
    )  # fmt: skip


async def test_what_the_merchant_begins_goes_out_and_its_answer_comes_home(
    world: World, shopper: str
) -> None:
    begun = await write(world, shopper.upper())
    assert isinstance(begun, Begun)
    talk = await world.conversation()
    [sent] = talk.written
    message = record({"shop": SHOP, "message_id": sent}, "send")
    assert await failures(world.outbound().handle_all, message) == {}
    [mail] = await sent_to(world, shopper)
    assert mail["subject"] == "Your order", "it answers nothing"
    await world.receive(plain("Thank you", sender=shopper), "ses1", await world.token_address())
    assert (await world.conversation()).id == talk.id
    assert (await world.conversation()).address == shopper
    await world.answer("reply2", "You are welcome.")
    message = record({"shop": SHOP, "message_id": "reply2"}, "send")
    assert await failures(world.outbound().handle_all, message) == {}
    assert (await sent_to(world, shopper))[-1]["subject"] == "Re: Your order"


async def test_it_is_begun_once_however_often_the_form_is_sent(world: World, shopper: str) -> None:
    first = await write(world, shopper)
    assert await write(world, shopper) == first
    assert await write(world, shopper, text="Something else") == SentBefore()
    assert await write(world, f"other.{shopper}") == SentBefore()
    assert len(await world.commits()) == 1
    chosen = Extras(chosen=[Chosen("a.txt", "text/plain", b"A")])
    again = await begin(
        SHOP, to=shopper, subject="Your order", text="It is ready.", key="k" * 20,
        actor=merchant("ada"), source="dashboard", use=world.parts.beginning, extras=chosen,
    )  # fmt: skip
    assert again == SentBefore()


async def test_it_counts_against_no_plan_and_a_contact_form_joins_it(
    world: World, shopper: str
) -> None:
    await write(world, shopper)
    month = month_of(world.now)
    assert await world.parts.store.count_ref(SHOP, started_ref(month), 10) == 0
    talk = await world.conversation()
    assert talk.counts_in is None
    await world.receive(form(sender=shopper), "ses1")
    assert (await world.conversation()).id == talk.id
    commits = await world.commits()
    begun = await world.parts.reader.read(commits, [ConversationStarted])
    assert sum(len(one) for one in begun) == 1


@pytest.mark.parametrize(
    ("to", "subject", "words"),
    [
        ("nobody", "Hello", "an email address"),
        (f"acorn@{DOMAIN}", "Hello", "an address of this app"),
        ("ada@shopper.example", " \n ", "a subject"),
        ("ada@shopper.example", "x" * 201, "up to 200 characters"),
    ],
)
async def test_what_cannot_go_out_is_refused_and_nothing_is_recorded(
    world: World, to: str, subject: str, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        await write(world, to, subject=subject)
    with pytest.raises(InvalidInput, match="write something"):
        await write(world, "ada@shopper.example", text=" ")
    assert await world.commits() == []


async def test_a_shop_begins_so_many_conversations_in_an_hour(world: World) -> None:
    use = replace(world.parts.beginning, in_an_hour=2)

    async def begun(number: int) -> Begun | SentBefore:
        return await begin(
            SHOP, to=f"{number}@shopper.example", subject="News", text="Hello",
            key=f"{number}" * 20, actor=merchant("ada"), source="dashboard", use=use,
        )  # fmt: skip

    first = await begun(1)
    await begun(2)
    with pytest.raises(InvalidInput, match="up to 2 conversations in an hour"):
        await begun(3)
    assert await begun(1) == first  # the same form is no new one
    world.later(hours=1)
    await begun(3)
    assert len(await world.types()) == 3
