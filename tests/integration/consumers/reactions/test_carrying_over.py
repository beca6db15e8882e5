"""From the one checkpoint `react` to one for each reaction, and back: nothing is lost, nothing is
handed out again in bulk, whichever release runs first, last or beside the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cplus.consumers.reactions.carrying_over import carry_back, carry_over
from cplus.consumers.reactions.following import PAUSES, follow, handle
from cplus.consumers.reactions.reaction import Reaction, Reactor
from cplus.consumers.reactions.registry import REACTIONS
from cplus.consumers.reactions.replies import REPLIES
from cplus.events.catalogue.orders import OrderDeleted
from cplus.subscriptions.checkpoints import (
    CHECKPOINTS,
    Checkpoint,
    Fenced,
    begin_checkpoint,
    move_checkpoint,
    read_checkpoint,
)
from tests.integration.command_line import printed
from tests.integration.consumers.reactions.reactions_world import (
    INSTALLED,
    NOW,
    OTHER,
    SHOP,
    handed,
    nudge,
    reply,
    write,
)
from tests.integration.intake import Intake, soon

LATER = NOW + timedelta(hours=1)
FORMER = tuple(one for one in REACTIONS if one.was_react)
"""The reactions that `react` was."""


@pytest.fixture
def reactor(use: Intake) -> Reactor:
    return replace(use.parts.reactor, clock=lambda: NOW)


def old_document(shop: str, position: int, parked: Mapping[str, Any] | None) -> dict[str, Any]:
    """As releases before the reactions stored it."""
    return {
        "_id": f"react/{shop}",
        "projection": "react",
        "version": 1,
        "shop": shop,
        "position": position,
        "seq": position,
        "parked": parked,
        "term": 0,
        "updated_at": NOW,
    }


PARKED = {"position": 3, "type": "gift.wrapped", "reason": "unknown_type", "since": NOW}


async def react_at(
    use: Intake, position: int, shop: str = SHOP, parked: Mapping[str, Any] | None = None
) -> None:
    """The release of before stands there."""
    row = old_document(shop, position, parked)
    rows = use.parts.mongo.database[CHECKPOINTS]
    await rows.replace_one({"_id": row["_id"]}, row, upsert=True)


async def places(use: Intake, shop: str = SHOP) -> dict[str, Checkpoint]:
    database = use.parts.mongo.database
    return {one.name: await read_checkpoint(database, one, shop) for one in FORMER}


def everywhere(position: int) -> dict[str, Checkpoint]:
    return {one.name: Checkpoint(position, position, stored=True) for one in FORMER}


async def all_documents(use: Intake) -> list[dict[str, Any]]:
    rows = use.parts.mongo.database[CHECKPOINTS].find({}).sort("_id")
    found: list[dict[str, Any]] = await rows.to_list(None)
    return found


async def test_migrate_puts_each_reaction_where_react_stands_and_may_be_repeated(
    use: Intake, reactor: Reactor
) -> None:
    await write(use, INSTALLED, reply(1), reply(2))
    await react_at(use, 2)
    await react_at(use, 7, OTHER)
    await printed(use.parts.settings, "migrate")
    assert await places(use) == everywhere(2)
    assert await places(use, OTHER) == everywhere(7)
    before = await all_documents(use)
    await printed(use.parts.settings, "migrate")
    assert await all_documents(use) == before
    for reaction in FORMER:
        await follow(reaction, SHOP, reactor)
    imports, sends, _ = await handed(use)
    assert (imports, [one["message_id"] for one in sends]) == ([], ["m2"])


async def test_migrate_takes_nobody_back_and_takes_on_who_is_behind(use: Intake) -> None:
    database = use.parts.mongo.database
    await react_at(use, 5)
    await begin_checkpoint(database, REPLIES, SHOP, NOW, Checkpoint(9, 9))
    behind = FORMER[0]
    await begin_checkpoint(database, behind, SHOP, NOW, Checkpoint(2, 2))
    await carry_over(use.parts.mongo, FORMER, LATER)
    found = await places(use)
    assert found.pop(REPLIES.name) == Checkpoint(9, 9, stored=True)
    assert set(found.values()) == {Checkpoint(5, 5, stored=True)}
    read_before = Checkpoint(2, 2, stored=True)
    with pytest.raises(Fenced):
        await move_checkpoint(database, behind, SHOP, read_before, Checkpoint(3, 3), NOW)


async def test_a_parked_shop_stays_parked_until_the_commit_can_be_read(
    use: Intake, reactor: Reactor
) -> None:
    await write(use, reply(1), reply(2), OrderDeleted(shopify_order_id=1), reply(3))
    await react_at(use, 2, parked=PARKED)
    await carry_over(use.parts.mongo, FORMER, LATER)
    for at in (await places(use)).values():
        assert at.parked is not None
        assert (at.position, at.parked.document()) == (2, PARKED)
    # This code knows the event that the one before did not.
    assert await handle([nudge(4)], FORMER, reactor, soon()) == []
    assert await places(use) == everywhere(4)
    assert [one["message_id"] for one in (await handed(use))[1]] == ["m3"]


@pytest.mark.parametrize("parked", [None, PARKED], ids=["at work", "parked"])
async def test_a_shop_that_was_not_migrated_begins_where_react_stands(
    use: Intake, reactor: Reactor, parked: Mapping[str, Any] | None
) -> None:
    await write(use, INSTALLED, reply(1), reply(2))
    await react_at(use, 2, parked=parked)
    assert await handle([nudge(3)], FORMER, reactor, soon()) == []
    assert await places(use) == everywhere(3)
    imports, sends, _ = await handed(use)
    assert (imports, [one["message_id"] for one in sends]) == ([], ["m2"])


async def test_a_shop_of_which_react_knows_nothing_begins_at_its_first_commit(
    use: Intake, reactor: Reactor
) -> None:
    await write(use, INSTALLED, reply(1))
    assert await handle([nudge(2)], FORMER, reactor, soon()) == []
    imports, sends, _ = await handed(use)
    assert (len(imports), [one["message_id"] for one in sends]) == (1, ["m1"])


async def test_what_old_code_hands_out_meanwhile_is_not_handed_out_again(
    use: Intake, reactor: Reactor
) -> None:
    """Both run: whichever is further on, the new code goes on from there."""
    await write(use, *(reply(number) for number in range(1, 6)))
    await react_at(use, 1)
    await carry_over(use.parts.mongo, FORMER, NOW)
    await react_at(use, 3)  # it went on after the migration
    assert await handle([nudge(4)], FORMER, reactor, soon()) == []
    assert sorted(one["message_id"] for one in (await handed(use))[1]) == ["m4", "m5"]
    assert await places(use) == everywhere(5)
    await react_at(use, 4)  # and comes after
    assert await handle([nudge(5)], FORMER, reactor, soon()) == []
    assert (await handed(use))[1] == []
    assert await places(use) == everywhere(5)


async def test_what_waits_or_is_parked_goes_on_where_old_code_handed_it_out(
    use: Intake, reactor: Reactor
) -> None:
    async def down(queue: str, message: Mapping[str, Any], *, group: str, delay: int = 0) -> None:
        raise ConnectionError

    now = NOW
    broken = replace(reactor, send=down, clock=lambda: now)
    await write(use, reply(1), reply(2))
    await follow(REPLIES, SHOP, broken)
    assert (await places(use))[REPLIES.name].retry is not None
    await react_at(use, 1)
    await follow(REPLIES, SHOP, reactor)
    assert (await places(use))[REPLIES.name] == Checkpoint(2, 2, stored=True)
    assert [one["message_id"] for one in (await handed(use))[1]] == ["m2"]
    await write(use, reply(3))
    for pause in (*PAUSES, timedelta()):
        await follow(REPLIES, SHOP, broken)
        now += pause
    assert (await places(use))[REPLIES.name].parked is not None
    await react_at(use, 3)
    await follow(REPLIES, SHOP, reactor)
    assert (await places(use))[REPLIES.name] == Checkpoint(3, 3, stored=True)


async def test_back_again_react_begins_where_the_slowest_reaction_stands(use: Intake) -> None:
    database = use.parts.mongo.database
    shops = {SHOP: (3, 4, 5, 6), OTHER: (9, 9, 9, 9), "new.myshopify.com": (2, 2, 3, 2)}
    for shop, stand in shops.items():
        for reaction, position in zip(FORMER, stand, strict=True):
            at = Checkpoint(position, position)
            await begin_checkpoint(database, reaction, shop, NOW, at)
    await begin_checkpoint(database, REPLIES, "half.myshopify.com", NOW, Checkpoint(5, 5))
    await react_at(use, 2, parked=PARKED)
    await react_at(use, 12, OTHER)
    await react_at(use, 1, "half.myshopify.com")
    for _ in range(2):
        await carry_back(use.parts.mongo, FORMER, LATER)
        rows = {
            row["shop"]: row for row in await all_documents(use) if row["projection"] == "react"
        }
        positions = {shop: row["position"] for shop, row in rows.items()}
        assert positions == {SHOP: 3, OTHER: 12, "new.myshopify.com": 2, "half.myshopify.com": 1}
        assert rows[SHOP] == {**old_document(SHOP, 3, None), "updated_at": LATER}
        shop = "new.myshopify.com"
        assert rows[shop] == {**old_document(shop, 2, None), "updated_at": LATER}
        assert rows[OTHER] == old_document(OTHER, 12, None)


async def test_a_reaction_that_react_never_was_does_not_begin_where_that_stands(
    use: Intake, reactor: Reactor
) -> None:
    handed_out: list[int] = []

    async def hand_out(_commit: Any, recorded: Any, _use: Reactor) -> None:
        handed_out.append(recorded.position)

    new = Reaction("react-novelties", REPLIES.handles, hand_out, steps=())
    await write(use, reply(1), reply(2))
    await react_at(use, 2)
    await carry_over(use.parts.mongo, [*REACTIONS, new], NOW)
    assert not (await read_checkpoint(use.parts.mongo.database, new, SHOP)).stored
    await follow(new, SHOP, reactor)
    assert sorted(handed_out) == [1, 2]
    await carry_back(use.parts.mongo, [*REACTIONS, new], NOW)
    assert (await all_documents(use))[-1]["position"] == 2
