"""The line of counts that `cplus up` shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import SecretStr
from rich.console import Console

from cplus.bootstrap import Parts, ensure_indexes
from cplus.clock import utc_now
from cplus.consumers.reactions.following import follow
from cplus.consumers.reactions.imports import IMPORTS
from cplus.consumers.reactions.registry import REACTIONS
from cplus.consumers.reactions.tenants import TENANTS
from cplus.events.base import NewEvent
from cplus.events.log.commit import Draft
from cplus.local.process import free_port
from cplus.local.report import Counts, Watch, say_dead_letters
from cplus.projections.groups import ALL
from cplus.projections.lag.lag import lag
from cplus.projections.running.runner import Runner
from cplus.settings import Settings
from tests.samples import installed

SHOP = "acorn.myshopify.com"


async def test_the_line_counts_up_to_the_reader_furthest_behind_the_reactions_among_them(
    mongo_uri: str, database_name: str
) -> None:
    settings = Settings(mongo_uri=SecretStr(mongo_uri), mongo_database=database_name)
    await ensure_indexes(settings)
    parts, watch = Parts(settings), Watch(mongo_uri, database_name)
    try:
        install = NewEvent(f"shop/{SHOP}", installed(), utc_now())
        drafts = [Draft(SHOP, f"c{i}", "webhook", "shopify", reason="none") for i in range(3)]
        await parts.store.append([*drafts, Draft(SHOP, "i", "install", "merchant", [install])])
        runner = Runner(parts.mongo, parts.store, parts.reader, ALL)
        for projection in ALL:
            await runner.catch_up(projection, SHOP)
        # Two of the reactions have something to do, in the last of the commits.
        assert str(await watch.counts()) == "recorded 4 · repeated 0 · projected 3 · lag 1"
        found = await lag(parts.mongo, parts.store, ALL, reactions=REACTIONS)
        not_begun = {one.projection: one.behind for one in found if not one.begun}
        assert not_begun == {one.name: int(one in (IMPORTS, TENANTS)) for one in REACTIONS}

        async def send(
            queue: str, message: Mapping[str, Any], *, group: str, delay: int = 0
        ) -> None:
            assert group == SHOP

        for reaction in (IMPORTS, TENANTS):
            await follow(reaction, SHOP, replace(parts.reactor, send=send, setting=str))
        assert str(await watch.counts()) == "recorded 4 · repeated 0 · projected 4 · lag 0"
    finally:
        await watch.close()
        await parts.close()


async def test_there_are_no_counts_while_mongodb_does_not_answer() -> None:
    watch = Watch(f"mongodb://127.0.0.1:{free_port()}/", "none", patience=0.2)
    try:
        assert await watch.counts() is None
    finally:
        await watch.close()


def test_parked_readers_and_dead_letters_are_said_where_there_are_any() -> None:
    plain = "recorded 9 · repeated 0 · projected 7 · lag 2"
    assert str(Counts(9, 0, 7)) == plain
    assert str(Counts(9, 0, 7, 11, 6)) == f"{plain} · 11 parked · 6 dead letters"
    assert str(Counts(9, 0, 7, 0, 1)) == f"{plain} · 1 dead letter"
    console = Console(record=True, width=100)
    say_dead_letters(console, {"cplus-local-send-dead": 2, "cplus-local-mail-dead": 1})
    assert console.export_text() == (
        "  ! 1 dead letter is kept on queue cplus-local-mail-dead\n"
        "  ! 2 dead letters are kept on queue cplus-local-send-dead\n"
    )
