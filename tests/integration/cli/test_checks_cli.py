"""What the commands that verify, repair, replay and unpark promise, run as they are run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from cplus.aws import Aws, Queue
from cplus.bootstrap import Parts
from cplus.consumers.reactions.allowances import ALLOWANCES
from cplus.consumers.reactions.following import follow
from cplus.consumers.reactions.imports import IMPORTS
from cplus.events.base import NewEvent
from cplus.events.catalogue import Catalogue, all_events
from cplus.events.catalogue.conversations import ConversationStarted
from cplus.events.catalogue.imports import ImportStarted
from cplus.events.catalogue.shops import AppInstalled
from cplus.events.log.commit import Draft
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo
from cplus.projections.groups import ALL
from cplus.projections.models.shops import SHOPS
from cplus.projections.running.runner import Runner
from cplus.settings import Settings
from tests.integration.cli.shops_world import HOSTS, everything
from tests.integration.command_line import started, told
from tests.integration.consumers.reactions.reactions_world import started as conversation
from tests.integration.fold_world import (
    SHOP,
    WITH_GIFTS,
    GiftWrapped,
    fails,
    write,
)
from tests.samples import installed

NUDGES = "arn:aws:sns:us-east-1:123456789012:cplus-local-nudges"
FAULTY = replace(SHOPS, evolve=fails)


async def test_verify_ends_with_1_where_a_row_differs_and_a_rebuild_of_the_shop_mends_it(
    mongo: Mongo, data: Path
) -> None:
    rows = mongo.database[SHOPS.collection]
    await rows.update_one({"_id": f"{SHOP}/import/i3"}, {"$set": {"customers": 77}})
    said = await told("verify", "shops", "--data", str(data), status=1)
    wrong = {"shop": SHOP, "key": "import/i3", "kind": "differs", "fields": ["customers"]}
    assert (said["ok"], said["differences"]) == (False, [wrong])
    for_people = await started("verify", "shops", "--data", str(data), "--shop", SHOP)
    out, _ = await for_people.communicate()
    assert f"{SHOP}/import/i3: differs in customers" in out.decode()
    assert "77" not in out.decode()
    mended = await told("rebuild", "shops", "--shop", SHOP, "--data", str(data))
    assert mended["repaired"] == 1
    assert (await told("verify", "shops", "--data", str(data)))["ok"] is True


async def test_verify_says_what_it_has_not_seen_and_does_not_pass_where_nothing_was_compared(
    mongo: Mongo, stack: Path
) -> None:
    store, birch = EventStore(mongo), HOSTS[1]
    for shop in (SHOP, birch):
        await write(store, installed(), shop=shop)
    runner = Runner(mongo, store, EventReader(), ALL)
    await runner.catch_up(SHOPS, SHOP)
    await write(store, ImportStarted(import_id="i1"))
    command = ("verify", "shops", "--data", str(stack))
    said = await told(*command, status=1)
    assert (said["ok"], said["events"], said["behind"]) == (False, 1, 2)
    assert (said["differences"], said["uncompared"]) == ([], [birch])
    for_people = await started(*command)
    out, _ = await for_people.communicate()
    assert for_people.returncode == 1
    *_, not_compared, last = out.decode().splitlines()
    assert not_compared.startswith(f"{birch}: not compared")
    assert last.endswith("0 differences; 2 events not processed yet")
    await runner.catch_up(SHOPS, birch)
    late = await told(*command)
    assert (late["ok"], late["behind"], late["uncompared"]) == (True, 1, [])


async def test_verify_compares_the_others_where_a_shop_cannot_be_folded_and_says_where_and_why(
    mongo: Mongo, stack: Path
) -> None:
    store = EventStore(mongo)
    for shop in HOSTS[:2]:
        await write(store, installed(), shop=shop)
        await Runner(mongo, store, EventReader(), ALL).catch_up(SHOPS, shop)
    await write(store, GiftWrapped())
    # A release that knew the event has folded it.
    knowing = replace(SHOPS, passes=SHOPS.passes | {GiftWrapped.FAMILY})
    await Runner(mongo, store, WITH_GIFTS, [knowing]).catch_up(knowing, SHOP)
    rows = mongo.database[SHOPS.collection]
    await rows.update_one({"_id": f"{HOSTS[1]}/shop"}, {"$set": {"profile": None}})
    command = ("verify", "shops", "--data", str(stack))
    said = await told(*command, status=1)
    why = {"position": 2, "type": "gift.wrapped", "reason": "unknown_type"}
    assert (said["ok"], said["unfolded"]) == (False, [{"shop": SHOP, **why}])
    assert [one["shop"] for one in said["differences"]] == [HOSTS[1]]
    for_people = await started(*command)
    out, _ = await for_people.communicate()
    reason = "position 2 cannot be folded (unknown_type at an event of type gift.wrapped)"
    assert f"{SHOP}: not compared, because {reason}" in out.decode().splitlines()


async def test_what_stands_still_is_shown_and_goes_on_with_code_that_knows(
    mongo: Mongo, data: Path
) -> None:
    store = EventStore(mongo)
    await write(store, installed())
    head = (await store.head(SHOP)).position
    # Faulty code was parked there; the current code has no fault.
    await Runner(mongo, store, EventReader(), [FAULTY]).catch_up(FAULTY, SHOP)
    said = await told("projections", "lag", "--data", str(data), "--shop", SHOP)
    [shops] = [one for one in said["shops"] if one["collection"] == SHOPS.collection]
    assert (shops["behind"], shops["parked"]["reason"]) == (1, "ZeroDivisionError")
    assert (shops["parked"]["position"], shops["parked"]["type"]) == (head, "app.installed")
    assert 0 < shops["seconds"] <= said["most_seconds"]
    assert said["parked"] == 1
    unparked = await told("projections", "unpark", "shops", "--data", str(data))
    place = {"shop": SHOP, "collection": SHOPS.collection}
    assert unparked["shops"] == [{**place, "position": head, "reason": None}]
    await write(store, GiftWrapped())
    await Runner(mongo, store, EventReader(), ALL).catch_up(SHOPS, SHOP)
    still = await told("projections", "unpark", "shops", "--data", str(data), status=1)
    assert still["shops"] == [{**place, "position": head + 1, "reason": "unknown_type"}]
    verified = await told("verify", "shops", "--data", str(data), status=1)
    found = {"shop": SHOP, "position": head + 1, "reason": "unknown_type"}
    assert (verified["ok"], verified["differences"]) == (False, [])
    assert [found.items() <= one.items() for one in verified["parked"]] == [True]
    for_people = await started("rebuild", "shops", "--data", str(data))
    out, err = await for_people.communicate()
    assert for_people.returncode == 0, err.decode()
    assert f"parked in {SHOP} (unknown_type)" in out.decode()


async def test_a_reaction_that_stands_still_goes_on_by_its_name_and_hands_out(
    mongo: Mongo, data: Path, aws: Aws, url: str, aws_endpoint: str
) -> None:
    without = ("projections", "unpark", "react-imports", "--data", str(data))
    process = await started(*without)
    assert b"CPLUS_IMPORT_QUEUE" in (await process.communicate())[1]
    stack = json.loads((data / "stack.json").read_text())
    queues = {"import": url, "send": url}
    (data / "stack.json").write_text(json.dumps({**stack, "aws": aws_endpoint, "queues": queues}))
    head = (await EventStore(mongo).head(SHOP)).position
    parts = Parts(Settings(import_queue=url, send_queue=url), mongo=mongo, aws=aws)
    older = Catalogue(set(all_events()) - {AppInstalled})
    progress = await follow(IMPORTS, SHOP, replace(parts.reactor, reader=EventReader(older)))
    assert (progress.position, progress.parked is not None) == (0, True)
    said = await told(*without)
    place = {"shop": SHOP, "collection": "react-imports"}
    assert said["shops"] == [{**place, "position": head, "reason": None}]
    assert (await Queue(aws, url).depth()).waiting == 1


async def test_what_is_decided_again_is_not_decided_without_the_topic_of_nudges(
    mongo: Mongo, data: Path, aws: Aws, aws_endpoint: str
) -> None:
    parts = Parts(mongo=mongo, aws=aws, store=EventStore(mongo))
    older = Catalogue(set(all_events()) - {ConversationStarted})
    event = NewEvent.decided(conversation(1))
    await parts.store.append([Draft(SHOP, "test/began", "test", "system", [event])])
    await follow(ALLOWANCES, SHOP, replace(parts.reactor, reader=EventReader(older)))
    head = (await parts.store.head(SHOP)).position
    command = ("projections", "unpark", "react-allowances", "--data", str(data))
    process = await started(*command)
    assert b"CPLUS_NUDGES_TOPIC" in (await process.communicate())[1]
    assert (await parts.store.head(SHOP)).position == head
    stack = json.loads((data / "stack.json").read_text())
    topics = {"nudges": NUDGES}
    (data / "stack.json").write_text(json.dumps({**stack, "aws": aws_endpoint, "topics": topics}))
    said = await told(*command)
    assert [(one["collection"], one["reason"]) for one in said["shops"]] == [
        ("react-allowances", None)
    ]


async def test_a_replay_writes_every_row_and_touches_nothing(mongo: Mongo, data: Path) -> None:
    before = await everything(mongo)
    place, out = "cplus.projections.models.shops:SHOPS", data / "rows.jsonl"
    said = await told("replay", "--projection", place, "--out", str(out), "--data", str(data))
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    rows = before[SHOPS.collection]
    assert said["rows"] == len(lines) == len(rows)
    assert {f"{line['shop']}/{line['key']}" for line in lines} == {row["_id"] for row in rows}
    assert out.stat().st_mode & 0o777 == 0o600
    assert await everything(mongo) == before
