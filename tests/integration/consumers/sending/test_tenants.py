"""Each shop sends as a tenant of its own at SES, with a suppression list and a pause of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest

from cplus.aws import Aws, MailNotTaken
from cplus.bootstrap import Parts
from cplus.commands.mail_settings import settings_of
from cplus.consumers.reactions.following import follow
from cplus.consumers.reactions.tenants import TENANTS
from cplus.consumers.scheduled.due import DUE
from cplus.consumers.scheduled.registry import HANDLERS
from cplus.consumers.scheduled.taking import take_due
from cplus.consumers.sending.tenants import TENANT, look_after, tenant_of, to_look_after
from cplus.events.aggregates.addresses import Addresses
from cplus.events.base import Cause, NewEvent
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.catalogue.privacy import ShopErased
from cplus.events.log.commit import Draft
from cplus.events.names import SHOP_ERASED_REF, addresses_stream
from cplus.events.repository import decided
from cplus.ids import random_id
from tests.integration.intake import failures, record, soon
from tests.integration.mail_world import DOMAIN, SHOP, World, form

SEND = record({"shop": SHOP, "message_id": "reply1"})


@pytest.fixture
async def world(mongo_uri: str, database: str, aws_endpoint: str, aws: Aws) -> AsyncIterator[World]:
    made = await World.make(mongo_uri, database, aws_endpoint, aws)
    stage = f"cplus-{random_id(12)}"
    ses = await aws.client("sesv2")
    await ses.create_configuration_set(ConfigurationSetName=stage)
    given = made.parts
    settings = given.settings.model_copy(update={"ses_configuration_set": stage})
    made.parts = Parts(settings, lambda: made.now, mongo=given.mongo, aws=aws)
    await made.receive(form(sender=f"bounce+{random_id(12)}@shopper.example"), "ses1")
    await made.answer()
    yield made
    await made.close()


def name(world: World) -> str:
    return tenant_of(SHOP, world.parts.settings.ses_configuration_set)


async def sweep(world: World) -> None:
    await follow(TENANTS, SHOP, world.parts.reactor)
    await take_due({TENANT: HANDLERS[TENANT]}, world.parts.due_work, deadline=soon())


async def told(world: World, **change: Any) -> dict[str, Any]:
    """What SES has of the shop's tenant; changed first, if there is something to change."""
    async with httpx.AsyncClient(base_url=world.endpoint) as ses:
        if change:
            answer = await ses.post("/_local/ses", json={"tenants": {name(world): change}})
            assert answer.status_code == 200
        state = (await ses.get("/_local/ses")).json()
    return cast("dict[str, Any]", state["tenants"].get(name(world), {}))


async def mails(world: World) -> int:
    return len([one for one in await world.mailbox() if one["tags"].get("cplus-message")])


async def test_a_shop_that_installs_the_app_gets_a_tenant_with_a_list_and_a_policy_of_its_own(
    world: World,
) -> None:
    assert await told(world) == {}
    for _ in range(2):  # again is fine
        await sweep(world)
    await look_after(to_look_after(SHOP, world.now), world.parts.due_work)
    made = await told(world)
    account = "arn:aws:ses:us-east-1:123456789012"
    stage = world.parts.settings.ses_configuration_set
    assert made["resources"] == [
        f"{account}:configuration-set/{stage}",
        f"{account}:identity/{DOMAIN}",
    ]
    assert (made["policy"], made["scope"], made["status"]) == ("standard", "TENANT", "ENABLED")
    assert (await settings_of(world.recorder, SHOP)).tenant == name(world)
    assert [t for t in await world.types() if "tenant_made" in t] == [["tenant_made"]]


async def test_a_tenant_that_was_half_made_is_completed(world: World) -> None:
    ses = await world.aws.client("sesv2")
    await ses.create_tenant(TenantName=name(world))
    await world.parts.tenants.ensure(name(world), SHOP)
    made = await told(world)
    assert (len(made["resources"]), made["scope"], made["policy"]) == (2, "TENANT", "standard")


async def test_what_bounces_is_suppressed_for_this_shop_until_the_merchant_allows_it(
    world: World,
) -> None:
    await sweep(world)
    assert await failures(world.outbound().handle_all, SEND) == {}
    [address] = (await told(world))["suppressed"]
    assert address.startswith("bounce+")
    [written] = await world.parts.reader.of((await world.commits())[1], ReplyWritten)
    assert isinstance(written.event, ReplyWritten)
    person = written.event.person
    assert person is not None
    stream = addresses_stream(person)
    known: Addresses = await world.recorder.load(Addresses, SHOP, stream)
    if not known.reason(address):
        known.mark(
            person=person, address=address, reason="unknown", message_id="reply1", now=world.now
        )
    known.unmark(person=person, address=address, now=world.now)
    draft = Draft(
        shop=SHOP,
        claim="allowed",
        source="dashboard",
        actor="merchant",
        events=decided(known),
        refs=[stream],
    )
    await world.parts.store.append([draft])
    await world.answer("tenants2")
    second = record({"shop": SHOP, "message_id": "tenants2"})
    before = await mails(world)
    assert await failures(world.outbound().handle_all, second) == {}
    assert await mails(world) == before + 1
    [newest] = [m for m in await world.mailbox() if m["tags"].get("cplus-message") == "tenants2"]
    assert "Bounce" in newest["events"]
    # It was tried there, and bounced by itself: it is on the list again because of this mail.
    assert (await told(world))["suppressed"] == [address]


async def test_mail_of_a_paused_shop_waits_and_the_merchant_is_told_why_and_when_it_is_over(
    world: World,
) -> None:
    await sweep(world)
    await told(world, ses="DISABLED", cause="The bounce rate is above 10 percent")
    before = await mails(world)
    assert await failures(world.outbound().handle_all, SEND) == {}
    assert await mails(world) == before
    await sweep(world)  # at once, since SES refused a mail
    paused = (await settings_of(world.recorder, SHOP)).paused
    assert paused is not None
    assert (paused.cause, paused.by_operator) == ("The bounce rate is above 10 percent", False)
    world.later(minutes=15)
    await sweep(world)
    assert [t for t in await world.types() if "sending_paused" in t] == [["sending_paused"]]
    await told(world, ses="ENABLED")
    world.later(minutes=15)
    await sweep(world)
    assert (await settings_of(world.recorder, SHOP)).paused is None
    assert await failures(world.outbound().handle_all, SEND) == {}
    assert await mails(world) == before + 1


async def test_a_tenant_that_is_gone_is_made_again_and_the_mail_goes_out(world: World) -> None:
    await sweep(world)
    await world.parts.tenants.delete(name(world))
    before = await mails(world)
    assert await failures(world.outbound().handle_all, SEND) == {}
    assert await mails(world) == before
    await sweep(world)
    assert await failures(world.outbound().handle_all, SEND) == {}
    assert await mails(world) == before + 1


async def test_the_tenant_of_an_erased_shop_is_deleted_and_comes_back_with_the_app(
    world: World,
) -> None:
    await sweep(world)
    event = ShopErased(
        originator_id=f"shop/{SHOP}", originator_version=2, timestamp=world.now, erasure="e1"
    )
    draft = Draft(
        shop=SHOP,
        claim="erased",
        source="erasure",
        actor="system/erase",
        events=[NewEvent.decided(event)],
        cause=Cause("command"),
        refs=[SHOP_ERASED_REF],
    )
    await world.parts.store.append([draft])
    for _ in range(2):
        await sweep(world)
    assert await told(world) == {}
    assert (await settings_of(world.recorder, SHOP)).tenant is None
    rows = world.parts.mongo.database[DUE].find({"what": TENANT})
    assert await rows.to_list(None) == []


async def test_ses_refuses_what_a_tenant_may_not_use(world: World, aws: Aws) -> None:
    ses = await aws.client("sesv2")
    await ses.create_tenant(TenantName=name(world))
    with pytest.raises(MailNotTaken, match="BadRequestException"):
        await world.aws.send_mail(
            b"From: a@" + DOMAIN.encode() + b"\r\nTo: b@shopper.example\r\n\r\nHi",
            sender=f"a@{DOMAIN}",
            recipients=["b@shopper.example"],
            tags={},
            configuration_set=world.parts.settings.ses_configuration_set,
            tenant=name(world),
        )
