"""Two releases meet on one log, as in every deployment: what the older one does not know parks
that shop and is never skipped; what the newer one finds in an old shape it reads in the new one."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cplus.consumers.folding.projecting import handle_nudges
from cplus.events.base import Event, NewEvent, Recorded
from cplus.events.catalogue import CATALOGUE, Catalogue
from cplus.events.catalogue.imports import ImportEnded, ImportPageLoaded, ImportStarted
from cplus.events.catalogue.shops import ShopChanged
from cplus.events.log.commit import Draft
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.mongo import Mongo
from cplus.projections.base import Projection, Row
from cplus.projections.checks.verify import verify_shop
from cplus.projections.lag.lag import lag
from cplus.projections.models.shops import SHOPS, evolve
from cplus.projections.running.runner import Runner
from cplus.subscriptions.checkpoints import read_checkpoint
from tests.integration.command_line import told
from tests.integration.fold_world import NOW, nudge, soon
from tests.samples import installed

NEWS, CALM, OAK = (f"{name}.myshopify.com" for name in ("acorn", "birch", "oak"))


class EndedBefore(Event):
    """The end of an import in the shape that an earlier release knew."""

    TYPE: ClassVar[str] = ImportEnded.TYPE
    VERSION: ClassVar[int] = 0
    import_id: str
    complete: bool
    pages: int


def upcast(data: dict[str, Any]) -> dict[str, Any]:
    outcome = "complete" if data["complete"] else "refused"
    return {"import_id": data["import_id"], "outcome": outcome, "pages": data["pages"]}


def evolve_before(key: str, row: Row | None, event: Recorded) -> Row | None:
    if isinstance(event.event, EndedBefore):
        shape = ImportEnded(**upcast(event.event.model_dump()))
        return evolve(key, row, event._replace(event=shape))
    return evolve(key, row, event)


OTHERS = [event for event in CATALOGUE.all_events() if event is not ImportEnded]
UNAWARE = replace(SHOPS, handles=SHOPS.handles - {ImportEnded})
BEFORE = replace(UNAWARE, handles=UNAWARE.handles | {EndedBefore}, evolve=evolve_before)
OLDER: dict[str, tuple[Projection, Catalogue]] = {
    "unknown_type": (UNAWARE, Catalogue(OTHERS)),
    "unknown_schema": (BEFORE, Catalogue([*OTHERS, EndedBefore])),
}
NEWER = Catalogue(
    CATALOGUE.all_events(),
    {(ImportEnded.TYPE, 0): upcast, (ImportEnded.TYPE, 1): dict, (ImportEnded.TYPE, 2): dict},
)

INSTALLED = installed()
IMPORT = (
    ImportStarted(import_id="i1"),
    ImportPageLoaded(import_id="i1", page=1, customers=7),
)
ENDED = ImportEnded(import_id="i1", outcome="complete", pages=1)
ENDED_BEFORE = EndedBefore(import_id="i1", complete=True, pages=1)


@pytest.fixture
def projections() -> tuple[Projection, ...]:
    return (SHOPS,)


async def write(store: EventStore, shop: str, *events: Event) -> None:
    """One commit for each event, each of a later minute than the one before."""
    start = (await store.head(shop)).position + 1
    drafts = [
        Draft(
            shop=shop,
            claim=f"test/{number}",
            source="webhook",
            actor="shopify",
            events=[NewEvent(f"shop/{shop}", event, NOW + timedelta(minutes=number))],
        )
        for number, event in enumerate(events, start)
    ]
    await store.append(drafts)


async def stored(mongo: Mongo) -> dict[str, Any]:
    return {row["_id"]: row async for row in mongo.database[SHOPS.collection].find({})}


async def test_old_code_on_a_new_log_parks_that_shop_only_and_the_upgrade_skips_nothing(
    mongo: Mongo, store: EventStore, mongo_uri: str, indexed: str, tmp_path: Path
) -> None:
    await write(store, CALM, INSTALLED, *IMPORT)
    for (reason, (projection, catalogue)), shop in zip(OLDER.items(), (NEWS, OAK), strict=True):
        old = Runner(mongo, store, EventReader(catalogue), [projection])
        await write(store, shop, INSTALLED, *IMPORT, ENDED, ShopChanged(shop_name="Later"))
        nudges = [nudge(5, shop), nudge((await store.head(CALM)).position, CALM, "n2")]
        for _ in range(2):  # asked again it stands where it stands
            assert await handle_nudges(nudges, old, soon()) == []
        await write(store, shop, ShopChanged(shop_name="Last"))
        await write(store, CALM, ShopChanged(shop_name="Last"))
        nudges = [nudge(6, shop), nudge((await store.head(CALM)).position, CALM, "n2")]
        assert await handle_nudges(nudges, old, soon()) == []
        at = await read_checkpoint(mongo.database, projection, shop)
        assert at.parked is not None
        assert (at.position, at.parked.type, at.parked.reason) == (3, ENDED.TYPE, reason)
        behind = {one.shop: one.behind for one in await lag(mongo, store, [projection])}
        assert (behind[shop], behind[CALM]) == (3, 0)
        rows = await stored(mongo)
        assert rows[f"{shop}/shop"]["profile"]["name"] == "Acorn"
        assert rows[f"{CALM}/shop"]["profile"]["name"] == "Last"

    # The upgrade: the command as it ships, with the catalogue as it ships.
    stack = {"mongo": mongo_uri, "database": indexed}
    (tmp_path / "stack.json").write_text(json.dumps(stack))
    said = await told("projections", "unpark", "shops", "--data", str(tmp_path))
    assert [(one["shop"], one["position"], one["reason"]) for one in said["shops"]] == [
        (NEWS, 6, None),
        (OAK, 6, None),
    ]
    rows = await stored(mongo)
    for shop in (NEWS, OAK):
        assert rows[f"{shop}/import/i1"]["end"]["outcome"] == "complete"
        assert rows[f"{shop}/shop"]["profile"]["name"] == "Last"
    for shop, events in ((NEWS, 6), (OAK, 6), (CALM, 5)):
        verified = await verify_shop(mongo, store, EventReader(), SHOPS, shop)
        assert (verified.events, verified.differences) == (events, [])


async def test_new_code_on_an_old_log_reads_the_old_shape_as_the_new_one(
    mongo: Mongo, store: EventStore
) -> None:
    await write(store, NEWS, INSTALLED, *IMPORT, ENDED_BEFORE)
    await write(store, CALM, INSTALLED, *IMPORT, ENDED)
    new = Runner(mongo, store, EventReader(NEWER), [SHOPS])
    for shop in (NEWS, CALM):
        progress = await new.catch_up(SHOPS, shop)
        assert (progress.position, progress.parked) == (4, None)
    rows = await stored(mongo)
    ends = [rows[f"{shop}/import/i1"]["end"] for shop in (NEWS, CALM)]
    assert [(end["outcome"], end["pages"]) for end in ends] == [("complete", 1)] * 2
    # In the log it rests as it was written.
    [commit] = await store.read(NEWS, 3)
    assert commit.documents[0]["schema"] == 0
    assert commit.documents[0]["data"] == {"import_id": "i1", "complete": True, "pages": 1}


async def test_new_code_without_the_upcast_parks_in_front_of_the_old_shape(
    mongo: Mongo, store: EventStore
) -> None:
    await write(store, NEWS, INSTALLED, ENDED_BEFORE)
    progress = await Runner(mongo, store, EventReader(), [SHOPS]).catch_up(SHOPS, NEWS)
    assert progress.parked is not None
    assert (progress.position, progress.parked.reason) == (1, "unknown_schema")


async def test_both_releases_write_and_fold_in_turns_and_going_back_parks(
    mongo: Mongo, store: EventStore
) -> None:
    projection, catalogue = OLDER["unknown_schema"]
    old = Runner(mongo, store, EventReader(catalogue), [projection])
    new = Runner(mongo, store, EventReader(NEWER), [SHOPS])
    await write(store, NEWS, INSTALLED, *IMPORT, ENDED_BEFORE)
    assert (await old.catch_up(projection, NEWS)).position == 4
    again = ImportStarted(import_id="i2"), ImportEnded(import_id="i2", outcome="refused", pages=0)
    await write(store, NEWS, *again, ShopChanged(shop_name="Oak"))
    assert (await new.catch_up(SHOPS, NEWS)).position == 7
    # Back to the old release: what it knows goes on, what it does not know parks.
    await write(store, NEWS, ShopChanged(shop_name="Elm"), ENDED, INSTALLED)
    back = await old.catch_up(projection, NEWS)
    assert back.parked is not None
    assert (back.position, back.parked.position) == (8, 9)
    # And forward once more: from where it stood, with nothing left out.
    forward = await new.catch_up(SHOPS, NEWS)
    assert (forward.position, forward.parked) == (10, None)
    assert (await verify_shop(mongo, store, EventReader(NEWER), SHOPS, NEWS)).differences == []
    assert (await stored(mongo))[f"{NEWS}/import/i2"]["end"]["outcome"] == "refused"
