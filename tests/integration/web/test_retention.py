"""A merchant decides for how long people are kept who only wrote; then they are erased."""

from __future__ import annotations

import re
from typing import Any

import pytest

from cplus.actors import LOCAL
from cplus.commands.blocking import block_sender, blocked_in, unblock_sender
from cplus.commands.conversations.moving import Asked, move
from cplus.commands.conversations.spam import mark_spam
from cplus.commands.merging_persons import merge_persons
from cplus.commands.person_notes import write_note
from cplus.commands.retention import retention_of, set_retention
from cplus.consumers.scheduled.retention import MONTH, Retention, erase_by_rule
from cplus.deadline import Deadline
from cplus.errors import InvalidInput
from cplus.events.aggregates.addresses import Addresses
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.catalogue.customers import CustomerChanged
from cplus.events.catalogue.privacy import DataRequested, ErasureRequested, ShopErased
from cplus.events.names import (
    SHOP_ERASED_REF,
    addresses_stream,
    conversation_stream,
    message_ref,
)
from cplus.ids import random_id
from tests.integration.web.harness import OTHER, SHOP, Harness, fields_of

DAYS = MONTH.days * 24 * 3600


@pytest.fixture
def rule(web: Harness) -> Retention:
    async def shops(after: str, _limit: int) -> list[str]:
        return [shop for shop in (SHOP, OTHER) if shop > after]

    erasures = web.parts.erasures
    return Retention(erasures, shops, web.parts.queries.quiet_people, web.clock)


async def told(web: Harness, shop: str = SHOP) -> int | None:
    return await retention_of(web.parts.store, web.parts.reader, shop)


async def keep_for(web: Harness, months: int | None, shop: str = SHOP) -> None:
    use, key = web.parts.erasures, random_id(26)
    await set_retention(shop, months, key=key, source="dashboard", actor=LOCAL, use=use)


async def talk(web: Harness, person: str, *, closed: bool = True, shop: str = SHOP) -> str:
    """A conversation of the person, which the merchant has closed."""
    found = await web.conversation(shop, person=person)
    if closed:
        await web.parts.recorder.decide(
            *(Conversation, shop, conversation_stream(found)),
            lambda one: one.close(now=web.clock()),
            claim=random_id(), source="dashboard", actor="merchant/local",
        )  # fmt: skip
    return found


async def erased(web: Harness, shop: str = SHOP) -> set[str]:
    """Who is to be erased, by the rule."""
    found = await web.parts.reader.read(await web.parts.store.read(shop, 0), [ErasureRequested])
    events = [one for events in found for one in events]
    assert {one.actor for one in events} <= {"system/retention"}
    return {getattr(one.event, "person") for one in events}  # noqa: B009  it has one


async def test_the_decision_is_the_merchants_and_off_at_first(web: Harness) -> None:
    await web.conversation()
    async with web.signed_in(user="bea", called="Bea") as browser:
        page = (await browser.get("/privacy")).text
        assert re.search(r'<option value="" selected>forever', page)
        fields = fields_of(page, "/privacy/retention")
        for months, status in (("6", 303), ("x", 400), ("0", 400), ("-1", 400)):
            sent = {**fields, "months": months}
            assert (await browser.post("/privacy/retention", data=sent)).status_code == status
        assert await told(web) == 6
        assert "Saved." not in page
        saved = await browser.post("/privacy/retention", data={**fields, "months": "6"})
        page = (await browser.get(saved.headers["Location"])).text
        assert re.search(r'role="status">.*Saved\.</p>', page)
        assert re.search(r'<option value="6" selected>for 6 months', page)
        fields = {**fields_of(page, "/privacy/retention"), "months": ""}
        wrong = {**fields, "csrf": "x"}
        assert (await browser.post("/privacy/retention", data=wrong)).status_code == 403
        assert await told(web) == 6
        await browser.post("/privacy/retention", data=fields)
        assert await told(web) is None
    assert await told(web, OTHER) is None
    with pytest.raises(InvalidInput):
        await keep_for(web, 121)


async def test_who_only_wrote_long_ago_is_erased_and_nobody_else(
    web: Harness, rule: Retention
) -> None:
    for person in ("over", "open", "reopened", "customer", "asked"):
        await talk(web, f"person/{person}", closed=person != "open")
    await talk(web, "person/other", shop=OTHER)
    await web.parts.recorder.decide(  # mail to whom bounced
        *(Addresses, SHOP, addresses_stream("person/over")),
        lambda one: one.mark(
            person="person/over", address="over@example.com", reason="unknown", message_id="m1",
            now=web.clock(),
        ),
        claim=random_id(), source="mail-event", actor="ses", refs=["person/over"],
    )  # fmt: skip
    changed = CustomerChanged(shopify_customer_id=7, person="person/customer")
    await web.record(SHOP, "customer/7", changed, refs=["person/customer"])
    due_at = web.clock()
    asking = DataRequested(request_id=1, person="person/asked", due_at=due_at)
    await web.record(SHOP, "data-request/1", asking, refs=["person/asked"])
    web.clock.forward(3 * DAYS - 60)
    await talk(web, "person/reopened")
    await talk(web, "person/new")
    soon = Deadline.within(60)
    assert await erase_by_rule(rule, deadline=soon) == 0, "nobody decided anything"
    await keep_for(web, 3)
    assert await erase_by_rule(rule, deadline=soon) == 0, "a minute too early"
    web.clock.forward(120)
    assert await erase_by_rule(rule, deadline=Deadline.within(0)) == 0, "no time is left"
    assert await erase_by_rule(rule, deadline=soon) == 1
    assert await erased(web) == {"person/over"}
    assert await erase_by_rule(rule, deadline=soon) == 0, "once"
    assert await erased(web, OTHER) == set()


async def test_a_note_keeps_nobody_and_of_two_merged_the_rule_is_for_both(
    web: Harness, rule: Retention
) -> None:
    for person in ("a1", "a2", "b1", "b2", "c1", "c2", "noted"):
        await talk(web, f"person/{person}", closed=person != "c2")
    await web.record(
        SHOP,
        "customer/7",
        CustomerChanged(shopify_customer_id=7, person="person/b2"),
        refs=["person/b2"],
    )
    who: dict[str, Any] = {"actor": LOCAL, "source": "dashboard"}
    for pair in "abc":
        one, other, key = f"person/{pair}1", f"person/{pair}2", random_id(26)
        await merge_persons(SHOP, one, other, key=key, use=web.parts.erasures, **who)
    use = web.parts.conversations
    await write_note(SHOP, "person/noted", "Pays late.", key=random_id(26), use=use, **who)
    await keep_for(web, 3)
    web.clock.forward(4 * DAYS)
    assert await erase_by_rule(rule, deadline=Deadline.within(60)) == 2
    assert await erased(web) == {"person/a1", "person/noted"}  # the first stands for both


async def test_spam_counts_as_closed_and_whoever_is_blocked_stays_until_they_are_not(
    web: Harness, rule: Retention
) -> None:
    use, soon = web.parts.conversations, Deadline.within(60)
    who: dict[str, Any] = {"actor": LOCAL, "source": "dashboard", "use": use}
    spam = await talk(web, "person/spam", closed=False)
    await mark_spam(SHOP, spam, key="k1", **who)
    held = await talk(web, "person/blocked")
    await block_sender(SHOP, held, kind="address", key="k2", **who)
    await web.nudger.fold({SHOP: (await web.parts.store.head(SHOP)).position})
    await keep_for(web, 3)
    web.clock.forward(4 * DAYS)
    assert await erase_by_rule(rule, deadline=soon) == 1
    assert await erased(web) == {"person/spam"}
    [block] = (await blocked_in(web.parts.recorder, SHOP)).blocks
    await unblock_sender(SHOP, block, key="k3", **who)
    assert await erase_by_rule(rule, deadline=soon) == 1
    assert await erased(web) == {"person/spam", "person/blocked"}


async def test_a_message_that_was_moved_keeps_nobody(web: Harness, rule: Retention) -> None:
    first, second, message = *[await talk(web, "person/over") for _ in range(2)], random_id()

    def writes_again(one: Conversation) -> None:
        one.receive(
            message_id=message, person="person/over", from_name=None, subject="Jam", text="Well?",
            from_address="over@example.com", rfc_message_id=None, now=web.clock(),
        )  # fmt: skip
        one.close(now=web.clock())

    await web.parts.recorder.decide(
        *(Conversation, SHOP, conversation_stream(first), writes_again),
        claim=random_id(), source="mail", actor="shopper",
        refs=["person/over", message_ref(message)],
    )  # fmt: skip
    asked = Asked(random_id(), LOCAL, "dashboard", web.parts.conversations)
    _, into = await move(SHOP, first, message, second, asked=asked)
    assert into == second
    await web.parts.recorder.decide(
        *(Conversation, SHOP, conversation_stream(second)),
        lambda one: one.close(now=web.clock()),
        claim=random_id(), source="dashboard", actor="merchant/local",
    )  # fmt: skip
    await web.nudger.fold({SHOP: (await web.parts.store.head(SHOP)).position})
    await keep_for(web, 3)
    web.clock.forward(3 * DAYS + 60)
    assert await erase_by_rule(rule, deadline=Deadline.within(60)) == 1
    assert await erased(web) == {"person/over"}


async def test_the_log_decides_and_not_a_read_model_that_is_behind(
    web: Harness, rule: Retention
) -> None:
    await talk(web, "person/a")
    await keep_for(web, 3)
    web.clock.forward(4 * DAYS)
    await web.conversation(person="person/a", fold=False)
    assert await erase_by_rule(rule, deadline=Deadline.within(60)) == 0
    assert await erased(web) == set()


async def test_what_was_decided_before_the_shop_was_erased_counts_no_more(web: Harness) -> None:
    await keep_for(web, 3)
    gone = ShopErased(
        originator_id=f"shop/{SHOP}", originator_version=1, timestamp=web.clock(), erasure="e"
    )
    await web.record(SHOP, f"shop/{SHOP}", gone, refs=[SHOP_ERASED_REF])
    assert await told(web) is None
    await keep_for(web, 6)
    assert await told(web) == 6
