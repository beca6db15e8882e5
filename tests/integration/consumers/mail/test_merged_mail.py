"""Mail to a conversation that was merged into another."""

from __future__ import annotations

import asyncio

import pytest

from cplus.commands.conversations.merging import merge, unmerge
from cplus.errors import FormOfAnother, InvalidInput, NotFound
from cplus.ids import random_id
from tests.integration.consumers.mail.merged_world import asking, begun, talk, token
from tests.integration.mail_world import SHOP, World, form, plain

MERGED = ["merged", "merged"]


async def test_it_goes_to_the_end_of_the_chain_and_back_once_that_is_undone(world: World) -> None:
    a, b, c = await begun(world, "ada@a.example", "ben@b.example", "cleo@c.example")
    use = asking(world)
    await merge(SHOP, a, b, key="k1", **use)
    await merge(SHOP, b, c, key="k2", **use)
    await world.receive(
        plain("By token", sender="ada@a.example", message_id="<t@x.example>"), "t", token(world, a)
    )
    by_id = {"message_id": "<i@x.example>", "in_reply_to": "<0@shopper.example>"}
    await world.receive(plain("By id", sender="ada@a.example", **by_id), "i")
    assert [len((await talk(world, one)).senders) for one in (a, b, c)] == [1, 1, 3]
    await unmerge(SHOP, a, key="k3", **use)
    await world.receive(
        plain("Back", sender="ada@a.example", message_id="<b@x.example>"), "b", token(world, a)
    )
    assert [len((await talk(world, one)).senders) for one in (a, b, c)] == [2, 1, 3]


async def test_replies_go_where_they_went_whoever_of_the_other_writes(world: World) -> None:
    a, b = await begun(world, "ada@a.example", "ben@b.example")
    await merge(SHOP, a, b, key="k1", **asking(world))
    await world.receive(
        plain("Me", sender="ada@a.example", message_id="<t@x.example>"), "t", token(world, a)
    )
    assert (await talk(world, b)).address == "ben@b.example"


async def test_a_contact_form_joins_what_its_conversation_was_merged_into(world: World) -> None:
    await world.receive(form("First"), "ses-f")
    a = (await world.conversation()).conversation_id
    [b] = await begun(world, "ben@b.example")
    await merge(SHOP, a, b, key="k1", **asking(world))
    await world.receive(form("Second", number=2), "ses-g")
    assert (await world.types())[-1] == ["message_received"]
    assert len((await talk(world, b)).senders) == 2


async def test_of_two_merges_against_each_other_one_is_made(world: World) -> None:
    a, b = await begun(world, "ada@a.example", "ben@b.example")
    told = await asyncio.gather(
        merge(SHOP, a, b, key="k1", **asking(world)),
        merge(SHOP, b, a, key="k2", **asking(world)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, InvalidInput) for one in told) == 1
    assert (await world.types()).count(MERGED) == 1


async def test_asked_again_it_is_one_command_and_one_of_its_own_shop(world: World) -> None:
    a, b, c = await begun(world, "ada@a.example", "ben@b.example", "cleo@c.example")
    use = asking(world)
    at = await merge(SHOP, a, b, key="k1", **use)
    assert await merge(SHOP, a, b, key="k1", **use) == at
    assert await merge(SHOP, a, b, key="k2", **use) is None
    with pytest.raises(FormOfAnother):
        await merge(SHOP, c, b, key="k1", **use)
    for pair in ((a, random_id()), (random_id(), b)):
        with pytest.raises(NotFound):
            await merge(SHOP, *pair, key="k3", **use)
    with pytest.raises(NotFound):
        await merge("birch.myshopify.com", a, b, key="k4", **use)
    assert await unmerge(SHOP, b, key="k5", **use) is None
