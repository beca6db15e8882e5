"""Following a shop's log and handing out, on a real queue and database."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from cplus.bootstrap import CREDENTIALS
from cplus.consumers.batches.sqs import SqsRecord
from cplus.consumers.reactions.following import follow, handle
from cplus.consumers.reactions.imports import IMPORTS
from cplus.consumers.reactions.reaction import BATCH, Reaction, Reactor
from cplus.consumers.reactions.registry import REACTIONS
from cplus.consumers.reactions.replies import REPLIES
from cplus.consumers.reactions.uninstalls import UNINSTALLS
from cplus.deadline import Deadline
from cplus.events.base import Event
from cplus.events.catalogue import Catalogue, all_events
from cplus.events.catalogue.orders import OrderDeleted
from cplus.events.catalogue.shops import AppInstalled, AppUninstalled, ScopesChanged
from cplus.events.log.commit import Draft
from cplus.events.log.mongo_commits import MongoCommits
from cplus.events.log.store import ROOM, EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Raw
from cplus.shopify.oauth import Tokens
from cplus.subscriptions.checkpoints import CHECKPOINTS
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
from tests.integration.intake import Intake, record, soon, tasks
from tests.samples import installed


@pytest.fixture
def reactor(use: Intake) -> Reactor:
    return replace(use.parts.reactor, clock=lambda: NOW)


class Novelty(Event):
    """What only newer code knows."""

    TYPE: ClassVar[str] = "test.novelty"


def scopes(now: str, before: str) -> ScopesChanged:
    return ScopesChanged(scopes=tuple(now.split()), previous=tuple(before.split()))


async def checkpoint(
    reactor: Reactor, reaction: Reaction = REPLIES, shop: str = SHOP
) -> dict[str, Any]:
    row: dict[str, Any] = await reactor.database[CHECKPOINTS].find_one(
        {"_id": f"{reaction.name}/{shop}"}
    )
    return row


async def told(reactor: Reactor, *nudges: SqsRecord) -> list[str]:
    """The ids of the nudges that failed."""
    return await handle(nudges, REACTIONS, reactor, soon())


async def down(queue: str, message: Mapping[str, Any], *, group: str, delay: int = 0) -> None:
    raise ConnectionError("the queue is down")


def test_each_reaction_has_a_name_of_its_own_that_may_be_part_of_an_id() -> None:
    names = [reaction.name for reaction in REACTIONS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z]+(-[a-z]+)*", name) for name in names)
    assert names[:4] == ["react-imports", "react-replies", "react-uninstalls", "react-allowances"]


async def test_an_install_asks_for_one_import_named_by_the_event(
    use: Intake, reactor: Reactor
) -> None:
    await write(use, INSTALLED)
    assert await told(reactor, nudge(1), nudge(1)) == []
    [commit] = await use.parts.store.read(SHOP, 0)
    imports, sends, _ = await handed(use)
    expected = {"shop": SHOP, "import_id": f"{commit.id}-0", "cursor": None, "page": 1}
    assert imports == [{**expected, "correlation_id": commit.id, "causation_id": commit.id}]
    assert sends == []
    for reaction in REACTIONS:
        row = await checkpoint(reactor, reaction)
        assert (row["projection"], row["shop"], row["position"]) == (reaction.name, SHOP, 1)
        assert (row["seq"], row["parked"]) == (1, None)


@pytest.mark.parametrize(
    ("events", "imports"),
    [
        # What the merchant granted was not enough, and what came is more.
        ([INSTALLED, scopes("read_customers read_orders", "read_customers")], 2),
        ([installed("Blue Jam", ("read_orders",))], 0),
        ([installed("Blue Jam", ("read_orders",)), scopes("read_customers", "read_orders")], 1),
        ([installed("Blue Jam", ())], 1),
        # Taken back, and given again.
        ([INSTALLED, scopes("read_x", "read_customers")], 1),
        ([INSTALLED, scopes("", "read_customers"), scopes("read_customers", "")], 2),
        # Of an install itself, before it is known or after.
        ([INSTALLED, scopes("read_customers", "")], 1),
        ([scopes("read_customers", "")], 0),
        ([INSTALLED, AppUninstalled(), scopes("read_customers", "")], 1),
        # What no import reads.
        ([INSTALLED, scopes("read_customers read_fulfillments", "read_customers")], 1),
    ],
)
async def test_scopes_start_the_import_that_they_allow_and_no_other(
    use: Intake, reactor: Reactor, events: Sequence[Event], imports: int
) -> None:
    await write(use, *events)
    assert await told(reactor, nudge(len(events))) == []
    asked, _, _ = await handed(use)
    assert len({one["import_id"] for one in asked}) == len(asked) == imports


async def test_replies_are_handed_out_to_be_sent_and_everything_else_is_passed(
    use: Intake, reactor: Reactor
) -> None:
    await write(use, OrderDeleted(shopify_order_id=1), reply(1), reply(2))
    assert await told(reactor, nudge(3)) == []
    _, sends, _ = await handed(use)
    assert sorted(one["message_id"] for one in sends) == ["m1", "m2"]
    assert all(one["shop"] == SHOP for one in sends)
    assert await told(reactor, nudge(3)) == []
    assert await handed(use) == ([], [], []), "a doubled nudge does nothing"


async def test_commits_with_no_events_are_passed(use: Intake, reactor: Reactor) -> None:
    await use.parts.store.append([Draft(SHOP, "test/empty", "test", "system", reason="none")])
    await write(use, reply(1))
    assert (await follow(REPLIES, SHOP, reactor)).position == 2


async def test_a_long_log_is_followed_to_its_end(use: Intake, reactor: Reactor) -> None:
    await write(use, *(OrderDeleted(shopify_order_id=i + 1) for i in range(450)), reply(1))
    assert (await follow(REPLIES, SHOP, reactor)).position == 451
    assert len((await handed(use))[1]) == 1


async def test_nothing_is_handed_out_after_the_deadline_and_the_next_run_goes_on_from_there(
    use: Intake, reactor: Reactor
) -> None:
    await write(use, *(reply(number) for number in range(250)))
    now = 0.0
    limit = Deadline.within(60, lambda: now)

    async def late(queue: str, message: Mapping[str, Any], *, group: str, delay: int = 0) -> None:
        nonlocal now
        now = 60 if message["message_id"] == "m229" else now

    batch = [nudge(200, message_id="reached"), nudge(250, message_id="beyond")]
    slow = replace(reactor, send=late)
    assert await handle(batch, [REPLIES], slow, limit) == ["beyond"]
    assert (await checkpoint(reactor))["position"] == 230 > BATCH
    progress = await follow(REPLIES, SHOP, reactor, deadline=soon())
    assert (progress.position, progress.commits, progress.done) == (250, 20, True)
    assert len((await handed(use))[1]) == 20


async def test_what_is_held_in_memory_is_bounded_in_bytes_and_everything_is_handed_out(
    use: Intake, reactor: Reactor
) -> None:
    long = [reply(n).model_copy(update={"text": "tea " * (ROOM // 10)}) for n in range(5)]
    await write(use, *long)
    read: list[int] = []

    class Counting(MongoCommits):
        async def to_fold(self, *args: Any, **kwargs: Any) -> Raw:
            raw = await super().to_fold(*args, **kwargs)
            read.append(raw.count)
            return raw

    store = EventStore(Counting(use.parts.mongo))
    assert (await follow(REPLIES, SHOP, replace(reactor, store=store))).position == 5
    assert read == [3, 2]
    assert len((await handed(use))[1]) == 5


async def test_only_what_a_reaction_handles_is_read(use: Intake, reactor: Reactor) -> None:
    await write(use, INSTALLED, *(OrderDeleted(shopify_order_id=i + 1) for i in range(9)))
    read: list[int] = []

    class Counting(MongoCommits):
        async def to_fold(self, *args: Any, **kwargs: Any) -> Raw:
            raw = await super().to_fold(*args, **kwargs)
            read.append(raw.count)
            return raw

    store = EventStore(Counting(use.parts.mongo))
    for reaction in (IMPORTS, REPLIES):
        assert (await follow(reaction, SHOP, replace(reactor, store=store))).position == 10
    assert read == [1, 0]


async def test_a_nudge_beyond_the_log_comes_back(use: Intake, reactor: Reactor) -> None:
    await write(use, reply(1))
    batch = [nudge(1, message_id="seen"), nudge(2, message_id="beyond")]
    assert await told(reactor, *batch) == ["beyond"]


async def test_several_shops_are_followed_and_each_fails_for_itself(
    use: Intake, reactor: Reactor
) -> None:
    await write(use, reply(1))
    await write(use, reply(2), shop=OTHER)

    async def send(queue: str, message: Mapping[str, Any], *, group: str, delay: int = 0) -> None:
        if group == SHOP:
            raise ConnectionError("the queue is down")
        await use.parts.aws.send(queue, message, group=group)

    batch = [nudge(1, message_id="bad"), nudge(1, OTHER)]
    assert await told(replace(reactor, send=send), *batch) == []
    assert [one["shop"] for one in (await handed(use))[1]] == [OTHER]
    assert (await checkpoint(reactor))["retry"]["position"] == 1
    assert "retry" not in await checkpoint(reactor, shop=OTHER)


async def test_a_nudge_whose_checkpoint_cannot_be_written_comes_back(
    use: Intake, reactor: Reactor
) -> None:
    await write(use, reply(1))

    def away(step: str) -> None:
        if step == "move_checkpoint":
            raise ConnectionError

    assert await told(replace(reactor, at_step=away), nudge(1)) == ["m"]
    assert (await checkpoint(reactor))["position"] == 0
    assert await told(reactor, nudge(1)) == []


async def test_two_who_follow_at_once_hand_everything_out_and_agree(
    use: Intake, reactor: Reactor
) -> None:
    await write(use, *(reply(i) for i in range(20)))
    followed = await asyncio.gather(*(follow(REPLIES, SHOP, reactor) for _ in range(4)))
    assert {one.position for one in followed} == {20}
    assert (await checkpoint(reactor))["position"] == 20
    assert {one["message_id"] for one in (await handed(use))[1]} == {f"m{i}" for i in range(20)}


async def test_an_event_of_unknown_meaning_parks_its_shop_and_no_other(
    use: Intake, reactor: Reactor
) -> None:
    await write(use, reply(1), Novelty(), reply(2))
    await write(use, reply(3), shop=OTHER)
    for _ in range(2):
        assert await told(reactor, nudge(3), nudge(1, OTHER)) == []
    for reaction in REACTIONS:
        row = await checkpoint(reactor, reaction)
        assert row["position"] == 1
        assert row["parked"]["position"] == 2
        assert row["parked"]["type"] == "test.novelty"
        assert row["parked"]["since"] == NOW
    assert sorted(one["message_id"] for one in (await handed(use))[1]) == ["m1", "m3"]


async def test_a_parked_shop_goes_on_with_code_that_knows_the_event(
    use: Intake, reactor: Reactor
) -> None:
    await write(use, INSTALLED, reply(1))
    old = Catalogue(set(all_events()) - {AppInstalled})
    assert await told(replace(reactor, reader=EventReader(old)), nudge(2)) == []
    parked = await checkpoint(reactor, IMPORTS)
    assert (parked["position"], parked["parked"]["type"]) == (0, "app.installed")
    other = await checkpoint(reactor, REPLIES)
    assert other["parked"] is not None, "code passes over nothing that it does not know"
    later = replace(reactor, reader=EventReader(), clock=lambda: NOW + timedelta(hours=1))
    assert await told(later, nudge(2)) == []
    row = await checkpoint(reactor, IMPORTS)
    assert (row["position"], row["parked"]) == (2, None)
    imports, sends, _ = await handed(use)
    assert (len(imports), len(sends)) == (1, 1)


async def test_an_uninstall_forgets_the_tokens_of_before_and_not_of_a_later_install(
    use: Intake, reactor: Reactor
) -> None:
    await use.parts.credentials.save(SHOP, Tokens(access_token="token"))
    rows = use.parts.mongo.keyring[CREDENTIALS]
    # The news came late: the app was installed again after it.
    await write(use, AppUninstalled(), at=datetime.now(UTC) - timedelta(hours=1))
    await follow(UNINSTALLS, SHOP, reactor)
    assert await rows.count_documents({"_id": SHOP}) == 1
    await write(use, AppUninstalled(), at=datetime.now(UTC) + timedelta(seconds=1))
    await follow(UNINSTALLS, SHOP, reactor)
    assert await rows.count_documents({"_id": SHOP}) == 0


@pytest.mark.parametrize(
    "body",
    [
        "no json",
        "[]",
        "{}",
        '{"shop": "nowhere", "position": 1}',
        json.dumps({"shop": SHOP}),
        json.dumps({"shop": SHOP, "position": "1"}),
        json.dumps({"shop": SHOP, "position": True}),
    ],
)
async def test_a_message_that_is_no_nudge_fails_alone(
    use: Intake, reactor: Reactor, body: str
) -> None:
    await write(use, reply(1))
    assert await told(reactor, record(body, "bad"), nudge(1)) == ["bad"]


async def test_the_consumer_leaves_no_task_behind(use: Intake, reactor: Reactor) -> None:
    await write(use, reply(1))
    await told(reactor, nudge(1))
    before = tasks()
    await write(use, INSTALLED, reply(2), Novelty())
    await told(replace(reactor, send=down), nudge(4))
    await told(reactor, nudge(4), nudge(9, OTHER))
    await asyncio.sleep(0)
    assert tasks() == before
