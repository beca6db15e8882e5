"""Mail that comes in: recorded once, in the right conversation, or with the reason why not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from cplus.errors import InvalidInput
from cplus.mail import reply_address
from tests.integration.mail_world import ADA, DOMAIN, SHOP, World, form, plain

STARTED = ["started", "message_received"]


@pytest.fixture
async def world(mongo_uri: str, database_name: str, aws_endpoint: str) -> AsyncIterator[World]:
    made = await World.make(mongo_uri, database_name, aws_endpoint)
    yield made
    await made.close()


async def token_address(world: World) -> str:
    conversation = await world.conversation()
    secret = world.parts.settings.secret("application_secret")
    return reply_address(SHOP, conversation.conversation_id, secret, DOMAIN)


async def test_a_contact_form_starts_a_conversation_with_whom_it_names(world: World) -> None:
    await world.receive(form(), "ses1")
    assert await world.types() == [STARTED]
    conversation = await world.conversation()
    assert conversation.address == ADA
    assert world.nudges.heads == [{SHOP: 1}]


async def test_a_mail_delivered_twice_is_recorded_once(world: World) -> None:
    body = await world.arrive(form(), "ses1")
    assert await world.inbound.handle_all([body, body]) == [None, None]
    assert await world.inbound.handle_all([body]) == [None]
    assert await world.types() == [STARTED]


async def test_a_second_form_joins_the_open_conversation_of_that_person(world: World) -> None:
    await world.receive(form(), "ses1")
    await world.receive(form("And in red?", number=2), "ses2")
    assert await world.types() == [STARTED, ["message_received"]]


async def test_a_form_of_a_joined_person_joins_what_they_began_under_another_id(
    world: World,
) -> None:
    await world.receive(form(), "ses1")
    directory = world.parts.persons
    began = await directory.resolve(SHOP, address=ADA)
    # Another identity with a smaller id, so that the lead is the one that is absorbed.
    number = 0
    while True:
        number += 1
        other = await directory.resolve(SHOP, shopify_id=number)
        if began and other and other.person < began.person:
            break
    await directory.join(SHOP, other.person, began.person)
    await world.receive(form("And in red?", number=2), "ses2")
    assert await world.types() == [STARTED, ["message_received"]]


async def test_two_first_mails_at_once_start_one_conversation(world: World) -> None:
    bodies = [await world.arrive(form(number=n), f"ses{n}") for n in range(5)]
    other = await World.make(
        world.parts.settings.secret("mongo_uri"),
        world.parts.settings.mongo_database,
        world.endpoint,
    )
    try:
        await asyncio.gather(
            world.inbound.handle_all(bodies[:3]), other.inbound.handle_all(bodies[2:])
        )
    finally:
        await other.close()
    types = await world.types()
    assert sorted(types) == sorted([STARTED] + [["message_received"]] * 4)


async def test_a_form_long_after_the_end_starts_anew_and_one_soon_after_opens_again(
    world: World,
) -> None:
    await world.receive(form(), "ses1")
    conversation = await world.conversation()

    async def close(key: str) -> None:
        await world.parts.repository.decide(
            type(conversation),
            SHOP,
            conversation.id,
            lambda c: c.close(world.now),
            claim=f"command/{key}",
            source="dashboard",
            actor="merchant",
        )

    await close("a")
    world.later(days=6)
    await world.receive(form(number=2), "ses2")
    await close("b")
    world.later(days=8)
    await world.receive(form(number=3), "ses3")
    assert await world.types() == [
        STARTED,
        ["closed"],
        ["message_received", "reopened"],
        ["closed"],
        STARTED,
    ]


async def test_an_answer_finds_its_conversation_by_its_token_whoever_sends_it(
    world: World,
) -> None:
    await world.receive(form(), "ses1")
    address = await token_address(world)
    await world.receive(plain("Thanks", sender="work@shopper.example"), "ses2", address.upper())
    assert await world.types() == [STARTED, ["message_received"]]


async def test_an_answer_without_its_token_is_found_by_the_ids_it_names(world: World) -> None:
    await world.receive(form(), "ses1")
    await world.receive(plain("One more thing", In_Reply_To="<form1@shopify.com>"), "ses2")
    await world.receive(
        plain(
            "And", References="<x@y.example> <plain@shopper.example>", message_id="<3@a.example>"
        ),
        "ses3",
    )
    assert await world.types() == [STARTED, ["message_received"], ["message_received"]]


async def test_a_token_of_another_shop_opens_nothing_there(world: World) -> None:
    await world.receive(form(), "ses1")
    token = (await token_address(world)).partition("+")[2].partition("@")[0]
    await world.receive(plain("Hello"), "ses2", f"birch+{token}@{DOMAIN}")
    assert await world.types("birch.myshopify.com") == [STARTED]
    assert await world.types() == [STARTED]


async def test_a_mail_to_two_shops_is_recorded_in_both(world: World) -> None:
    await world.receive(plain("Hello"), "ses1", f"acorn@{DOMAIN}", f"birch@{DOMAIN}")
    assert await world.types() == [STARTED]
    assert await world.types("birch.myshopify.com") == [STARTED]


@pytest.mark.parametrize(
    ("raw", "verdicts", "reason"),
    [
        (form(), {"virus": "FAIL"}, "virus"),
        (form(), {"spam": "FAIL"}, "spam"),
        (form(), {"dmarc": "FAIL", "dkim": "FAIL"}, "did not sign"),
        (plain("Out of office", Auto_Submitted="auto-replied"), {}, "automatic"),
        (plain("Loop", sender=f"acorn@{DOMAIN}"), {}, "our own"),
        (b"", {}, "no sender"),
        (b"\x00\xff\xfe no mime at all", {}, "no sender"),
    ],
)
async def test_what_means_nothing_is_recorded_with_the_reason(
    world: World, raw: bytes, verdicts: dict[str, str], reason: str
) -> None:
    await world.receive(raw, "ses1", **verdicts)
    [commit] = await world.commits()
    assert commit.documents == []
    assert reason in str(commit.reason)
    whole = await world.parts.store.by_claim(SHOP, "mail/ses1", cause=True)
    assert whole is not None
    assert whole.cause is not None
    assert whole.cause["ref"] == {"bucket": "mail", "key": "inbound/ses1"}


async def test_a_machines_answer_joins_and_does_not_open_the_conversation(world: World) -> None:
    await world.receive(form(), "ses1")
    conversation = await world.conversation()
    await world.parts.repository.decide(
        type(conversation),
        SHOP,
        conversation.id,
        lambda c: c.close(world.now),
        claim="command/close",
        source="dashboard",
        actor="merchant",
    )
    out_of_office = plain("I am away", Auto_Submitted="auto-replied")
    await world.receive(out_of_office, "ses2", await token_address(world))
    assert (await world.types())[-1] == ["message_received"]
    assert not (await world.conversation()).open


async def test_what_names_no_shop_fails_alone_and_the_rest_is_recorded(world: World) -> None:
    good = await world.arrive(form(), "ses1")
    astray = await world.arrive(form(), "ses2", "someone@elsewhere.example")
    first, no_shop, no_json, no_object = await world.inbound.handle_all(
        [good, astray, "{", good.replace("inbound/ses1", "inbound/gone").replace("ses1", "ses9")]
    )
    assert first is None
    assert isinstance(no_shop, InvalidInput)
    assert isinstance(no_json, InvalidInput)
    assert isinstance(no_object, KeyError)
    assert await world.types() == [STARTED]


async def test_hostile_text_is_kept_as_it_was_written(world: World) -> None:
    await world.receive(plain("<script>alert(1)</script> \u202e {{7*7}}"), "ses1")
    [commit] = await world.commits()
    text = commit.documents[1]["sealed"]["fields"]["text"]
    assert text == "<script>alert(1)</script> \u202e {{7*7}}"
