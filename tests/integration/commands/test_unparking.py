"""Readers that stand still go on where an operator says so, and nowhere else."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from cplus.commands.unparking import ReadCheckpoints, Unparked, unpark
from cplus.deadline import Deadline
from cplus.mongo import Mongo
from cplus.subscriptions.checkpoints import CHECKPOINTS, Parked, Retry, read_checkpoints
from cplus.subscriptions.progress import Progress
from tests.integration.fold_world import COUNTER

ACORN, BIRCH, CEDAR = (f"{name}.myshopify.com" for name in ("acorn", "birch", "cedar"))
STOP = Parked(3, "message.of_the_future", "unknown_type", datetime(2026, 11, 1, tzinfo=UTC))


@dataclass
class Reader:
    """Goes on to position 9, but for shops that it still cannot get over."""

    stuck: str = ""
    asked: list[str] = field(default_factory=list)

    async def __call__(self, shop: str, *, deadline: Deadline) -> Progress:
        assert 0 < deadline.remaining() <= 5
        self.asked.append(shop)
        stop = STOP if shop == self.stuck else None
        return Progress("counter", shop, 2 if stop else 9, 1, True, stop)


def reading(mongo: Mongo) -> ReadCheckpoints:
    return partial(read_checkpoints, mongo.database)


async def stand(mongo: Mongo, shop: str, *, parked: bool) -> None:
    """A checkpoint of the counter in the shop."""
    row = {
        "_id": f"{COUNTER.collection}/{shop}",
        "projection": COUNTER.name,
        "version": COUNTER.version,
        "shop": shop,
        "position": 2,
        "seq": 2,
        "parked": {
            "position": STOP.position,
            "type": STOP.type,
            "reason": STOP.reason,
            "since": STOP.since,
        }
        if parked
        else None,
    }
    await mongo.database[CHECKPOINTS].insert_one(row)


async def test_only_what_stands_still_in_a_named_shop_goes_on(mongo: Mongo) -> None:
    await stand(mongo, ACORN, parked=True)
    await stand(mongo, BIRCH, parked=False)
    await stand(mongo, CEDAR, parked=True)
    reader = Reader()
    going_on = {COUNTER.collection: (COUNTER, reader)}
    found = await unpark(reading(mongo), going_on, [ACORN, BIRCH], seconds=5)
    assert found == [Unparked(ACORN, COUNTER.collection, 9, None)]
    assert reader.asked == [ACORN]


async def test_what_still_cannot_go_on_says_where_and_why_and_the_others_go_on(
    mongo: Mongo,
) -> None:
    for shop in (ACORN, BIRCH):
        await stand(mongo, shop, parked=True)
    going_on = {COUNTER.collection: (COUNTER, Reader(stuck=ACORN))}
    assert await unpark(reading(mongo), going_on, [ACORN, BIRCH], seconds=5) == [
        Unparked(ACORN, COUNTER.collection, 3, "unknown_type"),
        Unparked(BIRCH, COUNTER.collection, 9, None),
    ]


async def test_what_waits_for_its_next_try_is_tried_now_and_says_why_if_it_fails_again(
    mongo: Mongo,
) -> None:
    since = STOP.since
    retry = Retry(3, "message.sent", "LookupError", 1, since, since + timedelta(days=3650))
    for shop in (ACORN, BIRCH):
        await stand(mongo, shop, parked=False)
        await mongo.database[CHECKPOINTS].update_one(
            {"_id": f"{COUNTER.collection}/{shop}"}, {"$set": {"retry": asdict(retry)}}
        )

    async def go_on(shop: str, *, deadline: Deadline) -> Progress:
        again = retry if shop == BIRCH else None
        return Progress("counter", shop, 2 if again else 9, 1, True, None, again)

    going_on = {COUNTER.collection: (COUNTER, go_on)}
    assert await unpark(reading(mongo), going_on, [ACORN, BIRCH], seconds=5) == [
        Unparked(ACORN, COUNTER.collection, 9, None),
        Unparked(BIRCH, COUNTER.collection, 3, "LookupError"),
    ]


async def test_where_nothing_stands_still_nobody_is_asked(mongo: Mongo) -> None:
    await stand(mongo, ACORN, parked=False)
    reader = Reader()
    going_on = {COUNTER.collection: (COUNTER, reader)}
    assert await unpark(reading(mongo), going_on, [ACORN], seconds=5) == []
    assert reader.asked == []
