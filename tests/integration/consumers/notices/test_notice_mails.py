"""The mails to merchants: each sent once, whatever crashes, to an address that Shopify told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from cplus.bootstrap import CREDENTIALS
from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.reactions.following import follow
from cplus.consumers.reactions.uninstalls import UNINSTALLS
from cplus.consumers.sending.purposes.data_requests import REFUSED, UNTOLD
from cplus.errors import ShopifyRefused, ShopifyUnavailable
from cplus.events.catalogue.mail import (
    MailBounced,
    MailComplained,
    MailDelivered,
    MailRejected,
    MailRequested,
    MailSent,
)
from cplus.events.catalogue.shops import AppUninstalled
from cplus.events.names import shop_stream
from cplus.ids import random_id
from cplus.projections.groups import ALL
from cplus.projections.rows import key_of
from cplus.projections.running.runner import Runner
from tests.integration.consumers.notices.notices_world import DOMAIN, DUE, World
from tests.integration.consumers.webhooks.installed_app import ID, SHOP
from tests.integration.intake import soon

FATES = (MailSent, MailDelivered, MailBounced, MailComplained, MailRejected)


async def wished(world: World) -> tuple[SqsRecord, str]:
    """The message that asks for the first mail, and the mail's id."""
    await world.asks()
    [message] = await world.reacts()
    return message, message.json()["message_id"]


async def fates(world: World) -> list[str]:
    return [type(event).__name__ for event in await world.events(*FATES)]


async def test_a_notice_is_sent_once_however_often_it_is_asked_for(world: World) -> None:
    message, _ = await wished(world)
    for _ in range(2):
        results = await asyncio.gather(
            *(world.outbound().handle_all([message], soon()) for _ in range(4))
        )
        assert results == [[]] * 4
    assert len(await world.mails()) == 1
    assert await fates(world) == ["MailSent"]


async def test_after_a_crash_between_sending_and_recording_ses_settles_it(world: World) -> None:
    message, message_id = await wished(world)
    await world.crashes(message, "after")
    world.later(seconds=30)
    await world.sends(message)
    assert world.aws.delays == [31]
    await world.told_by_ses("Send", message_id)
    world.later(seconds=600)
    await world.sends(message)
    assert len(await world.mails()) == 1
    assert await fates(world) == ["MailSent"]


async def test_after_a_crash_before_sending_it_is_sent_when_ses_stays_silent(world: World) -> None:
    message, _ = await wished(world)
    await world.crashes(message, "before")
    world.later(seconds=59)
    await world.sends(message)
    assert await world.mails() == []
    world.later(seconds=2)
    await world.sends(message)
    assert len(await world.mails()) == 1


async def down(shop: str) -> Sequence[str]:
    """Shopify does not answer."""
    raise ShopifyUnavailable(shop=shop, reason="status 503")


async def test_an_unknown_fate_is_waited_for_whatever_else_keeps_it(world: World) -> None:
    """Or a mail that went out would be forgotten, and sent once more."""
    message, _ = await wished(world)
    await world.crashes(message, "after")
    await world.sends(message, mails=replace(world.parts.mail_parts, addresses=down))
    await world.exports()
    await world.sends(message)
    assert await fates(world) == []
    assert len(await world.mails()) == 1


async def _removed(world: World) -> None:
    await world.happens(AppUninstalled(), refs=[shop_stream(SHOP)])


async def _overdue(world: World) -> None:
    world.now = DUE


@pytest.mark.parametrize(
    ("ends", "why"),
    [
        (World.exports, "answered"),
        (World.erases, "customer was erased"),
        (_removed, "removed"),
        (_overdue, "was over"),
    ],
    ids=["exported", "erased", "removed", "overdue"],
)
async def test_what_is_needed_no_more_when_it_is_to_be_sent_goes_nowhere(
    world: World, ends: Callable[[World], Awaitable[None]], why: str
) -> None:
    message, _ = await wished(world)
    await ends(world)
    for _ in range(2):
        await world.sends(message)
    assert await world.mails() == []
    [rejected] = await world.events(*FATES)
    assert isinstance(rejected, MailRejected)
    assert why in rejected.reason


async def test_what_ses_tells_is_recorded_for_the_notice_and_touches_no_conversation(
    world: World,
) -> None:
    message, message_id = await wished(world)
    await world.sends(message)
    for _ in range(2):
        await world.told_by_ses("Delivery", message_id)
        kind = {"bounceType": "Permanent", "bounceSubType": "General", "feedbackId": "f1"}
        await world.told_by_ses("Bounce", message_id, **kind)
    assert await fates(world) == ["MailSent", "MailDelivered", "MailBounced"]
    parts = world.parts
    runner = Runner(parts.mongo, parts.store, parts.reader, ALL)
    rows: dict[str, list[str]] = {}
    for projection in ALL:
        await runner.catch_up(projection, SHOP)
        found = parts.mongo.database[projection.collection].find({"shop": SHOP})
        rows[projection.name] = [key_of(row) for row in await found.to_list(None)]
    assert rows["data_requests"] == ["1"]
    for name in ("conversations", "messages", "deliveries", "set_aside"):
        assert rows[name] == []
    asked = await parts.queries.data_request(SHOP, 1)
    assert asked
    assert asked.notice
    assert (asked.notice.kind, asked.notice.status) == ("first", "bounced")
    asking, wish, *told = await parts.store.read(SHOP, 1)
    assert wish.causation_id == asking.id
    assert {one.causation_id for one in told} == {wish.id}
    assert {one.correlation for one in (wish, *told)} == {asking.correlation}


async def test_the_address_is_asked_of_shopify_if_unknown_and_kept_sealed(world: World) -> None:
    message, _ = await wished(world)
    rows, contacts = world.parts.mongo.keyring[CREDENTIALS], world.parts.contacts
    assert await contacts.find(SHOP) == []
    await world.sends(message)
    assert len(await world.mails()) == 1
    assert await contacts.find(SHOP) == [world.owner]
    row = await rows.find_one({"_id": SHOP})
    assert row
    assert world.owner.encode() not in row["contact"]
    await contacts.remember(SHOP, ["other@merchant.example"])
    assert await world.parts.mail_parts.addresses(SHOP) == ["other@merchant.example"]
    await rows.update_one({"_id": SHOP}, {"$set": {"contact": row["contact"][:-1]}})
    assert await contacts.find(SHOP) == []
    assert await world.parts.mail_parts.addresses(SHOP) == [world.owner], "asked for again"


async def test_the_newest_word_of_shopify_is_kept_and_ends_with_the_app(world: World) -> None:
    other = f"{random_id(12)}@merchant.example"
    body = {"id": ID, "name": "Blue Jam", "myshopify_domain": SHOP, "email": other}
    await world.tells("shop/update", {**body, "customer_email": "hello@merchant.example"}, "w-8")
    assert await world.parts.contacts.find(SHOP) == [other, "hello@merchant.example"]
    older = {**body, "email": world.owner}
    await world.tells("shop/update", older, "w-9", world.now - timedelta(minutes=1))
    message, _ = await wished(world)
    await world.sends(message)
    assert [len(await world.mails()), len(await world.mails(other))] == [0, 1]
    stored = b"".join([piece async for piece in world.parts.store.log.raw(SHOP, 0, 100)])
    assert other.encode() not in stored
    world.later(seconds=1)
    await world.happens(AppUninstalled(), refs=[shop_stream(SHOP)])
    await follow(UNINSTALLS, SHOP, world.parts.reactor)
    await world.tells("shop/update", body, "w-10")
    assert await world.parts.contacts.find(SHOP) == [], "a late webhook brings nothing back"


async def test_our_own_address_gets_no_notice_and_the_next_one_does(world: World) -> None:
    public = f"{random_id(12)}@merchant.example"
    await world.parts.contacts.remember(SHOP, [f"blue-jam@{DOMAIN}", public])
    message, _ = await wished(world)
    await world.sends(message)
    assert len(await world.mails(public)) == 1


PERMANENT = {"bounceType": "Permanent", "bounceSubType": "General"}
TRANSIENT = {"bounceType": "Transient", "bounceSubType": "MailboxFull"}


async def reminded(world: World, *, before: timedelta) -> str:
    """The next reminder goes; answers the mail's id."""
    wishes = await world.events(MailRequested)
    earlier = {one.message_id for one in wishes if isinstance(one, MailRequested)}
    world.now = DUE - before
    await world.takes()
    messages = {str(one.json()["message_id"]): one for one in await world.reacts()}
    [message_id] = messages.keys() - earlier
    await world.sends(messages[message_id])
    return message_id


@pytest.mark.parametrize(
    ("kind", "detail", "moves"),
    [("Bounce", PERMANENT, True), ("Complaint", {}, True), ("Bounce", TRANSIENT, False)],
    ids=["bounced", "spam", "bounced for now"],
)
async def test_a_reminder_goes_to_no_address_that_refused_the_mail_before(
    world: World, kind: str, detail: dict[str, str], moves: bool
) -> None:
    public = f"{random_id(12)}@merchant.example"
    await world.parts.contacts.remember(SHOP, [world.owner, public])
    message, message_id = await wished(world)
    await world.sends(message)
    # Forwarded mail is told of by the address that it came to last.
    last = [{"emailAddress": "elsewhere@merchant.example"}]
    await world.told_by_ses(kind, message_id, feedbackId="f1", bouncedRecipients=last, **detail)
    second = await reminded(world, before=timedelta(days=7))
    came = [len(await world.mails()), len(await world.mails(public))]
    assert came == ([1, 1] if moves else [2, 0])
    if not moves:
        return
    await world.told_by_ses("Bounce", second, to=public, feedbackId="f2", **PERMANENT)
    await reminded(world, before=timedelta(days=1))
    assert [len(await world.mails()), len(await world.mails(public))] == [1, 1]
    rejected = (await world.events(*FATES))[-1]
    assert isinstance(rejected, MailRejected)
    assert rejected.reason == REFUSED
    # Another request knows nothing of it.
    await world.asks(2, "w-2")
    world.later(seconds=1)
    await world.sends(*await world.reacts())
    assert len(await world.mails()) == 2


@pytest.mark.parametrize("told", [[], [f"blue-jam@{DOMAIN}", "no address"], None])
async def test_without_an_address_the_notice_says_that_it_was_not_sent(
    world: World, told: list[str] | None
) -> None:
    message, _ = await wished(world)

    async def addresses(shop: str) -> Sequence[str]:
        if told is None:
            raise ShopifyRefused(shop=shop, code="status 404")
        return told

    asking = replace(world.parts.mail_parts, addresses=addresses)
    await world.sends(message, mails=asking)
    [rejected] = await world.events(*FATES)
    assert isinstance(rejected, MailRejected)
    assert rejected.reason == UNTOLD


async def test_while_shopify_is_down_the_mail_waits_and_then_goes(world: World) -> None:
    message, _ = await wished(world)
    asking = replace(world.parts.mail_parts, addresses=down)
    for _ in range(2):
        await world.sends(message, mails=asking)
    assert world.aws.delays == [6, 11]
    assert await fates(world) == []
    await world.sends(message)
    assert await fates(world) == ["MailSent"]
