"""Mail of blocked senders: held back, shown, and let through again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cplus.actors import merchant
from cplus.commands.block_lookup import SECONDS, BlockLookup
from cplus.commands.blocking import (
    block_author,
    block_sender,
    blocked_in,
    unblock_sender,
)
from cplus.commands.conversations.spam import mark_spam
from cplus.errors import FormOfAnother, InvalidInput, NotFound
from cplus.events.aggregates.blocked_senders import Kind
from cplus.events.audit.history import history
from cplus.events.names import blocked_stream
from cplus.events.recording import Recorder
from cplus.ids import random_id
from cplus.privacy.export import gather
from tests.integration.consumers.mail.erasing_people import erased, legible
from tests.integration.mail_world import ADA, SHOP, World, form, plain


class Counted(Recorder):
    """Counts how often who is blocked was read whole."""

    loads = 0

    async def load(self, kind: Any, shop: str, stream: str) -> Any:
        self.loads += stream == blocked_stream(SHOP)
        return await super().load(kind, shop, stream)


ACTOR = merchant("ada")
PUBLIC = "gmail.com"
STARTED, ASIDE = ["started", "message_received"], ["set_aside"]


async def block(world: World, kind: Kind = "address", key: str = "") -> str:
    """Blocks the sender of the only conversation; answers the id of the block."""
    talk = await world.conversation()
    use = replace(world.parts.conversations, recorder=world.recorder)
    told = {"key": key or random_id(), "actor": ACTOR, "source": "dashboard", "use": use}
    await block_sender(SHOP, talk.conversation_id, kind=kind, **told)  # type: ignore[arg-type]
    return list((await blocked_in(world.recorder, SHOP)).blocks)[-1]


async def unblock(world: World, id_: str, key: str = "") -> None:
    use = replace(world.parts.conversations, recorder=world.recorder)
    await unblock_sender(
        SHOP, id_, key=key or random_id(), actor=ACTOR, source="dashboard", use=use
    )


async def test_mail_of_a_blocked_sender_is_held_back_until_they_are_unblocked(
    world: World,
) -> None:
    await world.receive(plain("Buy now"), "ses1")
    id_ = await block(world)
    await world.receive(plain("Buy more", message_id="<2@shopper.example>"), "ses2")
    # So is an answer in the conversation, and a form in which that address stands.
    token = await world.token_address()
    await world.receive(plain("Well?", message_id="<3@shopper.example>"), "ses3", token)
    await world.receive(form("And now?"), "ses4")
    other = plain("Hello", sender="sam@shopper.example", message_id="<4@shopper.example>")
    await world.receive(other, "ses5")
    types = await world.types()
    assert types == [STARTED, ["blocked"], ASIDE, ASIDE, ASIDE, STARTED]
    asides = await world.asides()
    assert {one.reason for one in asides} == {"blocked"}
    began = (await world.received())[0]
    assert [one.person for one in asides] == [began.person] * 3
    assert [one.answers is None for one in asides] == [True, False, True]
    await unblock(world, id_)
    await world.receive(plain("Sorry", message_id="<5@shopper.example>"), "ses6")
    assert (await world.types())[-1] == STARTED


async def test_the_authors_address_counts_as_shown_and_a_verdict_goes_before(
    world: World,
) -> None:
    await world.receive(plain("Buy now"), "ses1")
    await block(world)
    forged = plain("Ada?", message_id="<2@shopper.example>", Reply_To="eve@evil.example")
    await world.receive(forged, "ses2", dmarc="FAIL", dkim="FAIL")
    replied = plain("Me", sender="eve@evil.example", message_id="<3@evil.example>", Reply_To=ADA)
    await world.receive(replied, "ses3")
    await world.receive(plain("Bad", message_id="<4@shopper.example>"), "ses4", virus="FAIL")
    assert [one.reason for one in await world.asides()] == ["blocked", "blocked", "virus"]


async def test_everyone_at_a_domain_is_blocked_but_not_where_anybody_can_be(
    world: World,
) -> None:
    await world.receive(plain("Buy now"), "ses1")
    await block(world, "domain")
    await world.receive(
        plain("Hi", sender="sam@shopper.example", message_id="<2@shopper.example>"), "ses2"
    )
    assert [one.reason for one in await world.asides()] == ["blocked"]


async def test_a_public_domain_is_refused(world: World) -> None:
    await world.receive(plain("Hi", sender=f"sam@{PUBLIC}"), "ses1")
    with pytest.raises(InvalidInput, match="anybody can have an address"):
        await block(world, "domain")
    await block(world, "address")


async def test_a_form_sent_twice_blocks_once_and_serves_no_other(world: World) -> None:
    await world.receive(plain("Buy now"), "ses1")
    first = await block(world, key="k1")
    assert await block(world, key="k1") == first
    await unblock(world, first, key="k2")
    await unblock(world, first, key="k2")
    assert (await world.types())[1:] == [["blocked"], ["unblocked"]]
    with pytest.raises(NotFound):
        await unblock(world, first)
    talk = await world.conversation()
    use = world.parts.conversations
    await mark_spam(SHOP, talk.conversation_id, key="k3", actor=ACTOR, source="dashboard", use=use)
    with pytest.raises(FormOfAnother):
        await block(world, key="k3")


async def test_who_wrote_a_mail_that_was_set_aside_can_be_blocked(world: World) -> None:
    robot = plain("Sale!", sender="no-reply@robot.example")
    await world.receive(robot, "ses1")
    [aside] = await world.asides()
    use = replace(world.parts.conversations, recorder=world.recorder)
    await block_author(
        SHOP, aside.message_id, kind="address", key="k", actor=ACTOR, source="dashboard", use=use
    )
    again = plain("Sale again!", sender="no-reply@robot.example", message_id="<2@robot.example>")
    await world.receive(again, "ses2")
    assert [one.reason for one in await world.asides()] == ["noreply", "blocked"]
    with pytest.raises(NotFound):
        await block_author(
            SHOP, "nothing", kind="address", key="k2", actor=ACTOR, source="dashboard", use=use
        )


async def test_the_history_and_the_export_tell_of_a_block_and_erasure_ends_it(
    world: World,
) -> None:
    await world.receive(plain("Buy now"), "ses1")
    talk = await world.conversation()
    await block(world)
    parts = world.parts
    found = await history(parts.store, parts.reader, SHOP, talk.conversation_id)
    assert [one.did for one in found.entries[:1]] == ["blocked the sender"]
    export = await gather(parts.store, parts.reader, SHOP, [talk.person])
    assert [one.address for one in export.blocks] == [ADA]
    await erased(world, talk.person)
    [left] = (await blocked_in(world.recorder, SHOP)).blocks.values()
    assert left.sender is None
    assert ADA not in await legible(world)
    await world.receive(plain("Me again", message_id="<2@shopper.example>"), "ses2")
    assert (await world.types())[-1] == STARTED
    await unblock(world, left.id)
    assert not (await blocked_in(world.recorder, SHOP)).blocks


async def test_who_is_blocked_is_read_once_for_many_mails_and_nothing_ended_is_remembered(
    world: World,
) -> None:
    parts, time = world.parts, [0.0]
    recorder, lookup = (
        Counted(parts.store, parts.reader, world.nudges),
        BlockLookup(now=lambda: time[0]),
    )

    async def held(*addresses: str) -> list[bool]:
        return [await lookup.of(recorder, SHOP, [one]) is not None for one in addresses]

    assert await held(ADA, "sam@example.com") == [False, False]
    assert recorder.loads == 1
    await world.receive(plain("Buy now"), "ses1")
    first = await block(world)
    assert await held(ADA, ADA.upper(), "sam@example.com") == [True, True, False]
    assert recorder.loads == 2
    await unblock(world, first)
    assert await held(ADA) == [False]
    second = await block(world)
    found = await lookup.of(recorder, SHOP, ["sam@example.com", ADA])
    assert found == (await blocked_in(recorder, SHOP)).blocks[second]
    before = recorder.loads
    await erased(world, (await world.conversation()).person)
    # Its hash is remembered still; but what it leads to cannot be opened any more.
    assert await held(ADA) == [False]
    assert recorder.loads == before
    assert lookup.hashes_of(SHOP) == 1
    time[0] = SECONDS + 1
    assert await held(ADA) == [False]
    assert lookup.hashes_of(SHOP) == 0
