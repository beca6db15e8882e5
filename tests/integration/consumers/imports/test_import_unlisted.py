"""Who is not in a complete list of a shop any more is deleted."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from cplus.consumers.imports.customer_import import handle
from cplus.consumers.imports.importer import Importer
from cplus.events.base import Cause, NewEvent
from cplus.events.catalogue.customers import CustomerDeleted
from cplus.events.catalogue.imports import ImportEnded, ImportStarted
from cplus.events.log.commit import Draft
from cplus.events.names import import_page_claim, import_stream
from cplus.local.shopify import LocalShopify
from tests.integration.consumers.imports.import_world import (
    SHOP,
    asked,
    events,
    for_one_page,
    installed,
    waiting,
)
from tests.integration.intake import Intake, record, soon


async def deleted(use: Intake) -> list[int]:
    return [
        told.event.shopify_customer_id
        for told in await events(use)
        if isinstance(told.event, CustomerDeleted)
    ]


async def test_who_is_not_in_a_complete_list_any_more_is_deleted(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 6)
    assert await handle([asked("i1")], importer, soon()) == []
    before = await use.parts.persons.resolve(SHOP, shopify_id=2)
    shop = shopify.store.state.shops[SHOP]
    shop.customers = [one for one in shop.customers if one.id not in {2, 6}]
    for import_id in ("i2", "i3"):
        assert await handle([asked(import_id)], importer, soon()) == []
        assert await deleted(use) == [2, 6], "and told once"
        last = (await events(use))[-1].event
        assert last == ImportEnded(
            import_id=import_id, outcome="complete", pages=1, orders="complete"
        )
    [gone, _] = [one.event for one in await events(use) if isinstance(one.event, CustomerDeleted)]
    assert before is not None
    assert gone == CustomerDeleted(shopify_customer_id=2, person=before.person)


async def test_who_is_created_during_an_import_or_missing_in_a_late_list_stays(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 6)
    assert await handle([asked("i1")], importer, soon()) == []

    def late(answer: dict[str, Any]) -> dict[str, Any]:
        if page := answer["data"].get("customers"):
            page["nodes"] = [one for one in page["nodes"] if one["legacyResourceId"] != "3"]
        return answer

    assert await handle([asked("i2")], *for_one_page(importer)) == []
    await use.parts.persons.resolve(SHOP, shopify_id=99)
    shopify.changed[SHOP] = late
    try:
        for message in await use.drain(use.parts.settings.import_queue):
            assert await handle([message], importer, soon()) == []
        assert await handle([asked("i3")], importer, soon()) == []
    finally:
        shopify.changed.clear()
    assert await deleted(use) == [99], "known before the third list, and Shopify has no such"
    assert (await events(use))[-1].event == ImportEnded(
        import_id="i3", outcome="complete", pages=2, orders="complete"
    )


async def headers(use: Intake) -> list[dict[str, str]]:
    commits = await use.parts.store.read(SHOP, 0, cause=True)
    return [(commit.cause or {})["headers"] for commit in commits]


async def test_an_older_release_reads_where_an_import_stands(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    """It knows `end_cursor` alone, in three parts, and ends once no customers follow."""
    await installed(use, shopify, 6)
    assert await handle([asked("i1")], importer, soon()) == []
    shop = shopify.store.state.shops[SHOP]
    shop.customers = [one for one in shop.customers if one.id != 2]
    message = asked("i2")
    for _ in range(2):
        assert await handle([message], *for_one_page(importer)) == []
        [left] = await waiting(use)
        message = record(left)
    first, second = (await headers(use))[-2:]
    assert re.fullmatch(r"0\.4\.[^.]+", first["end_cursor"])
    assert first["last"] == "5"
    assert second["end_cursor"] == first["end_cursor"], "the last page, read once more"
    assert second["unlisted"] == "2/"
    assert await handle([message], importer, soon()) == []
    assert await deleted(use) == [2]


async def test_an_import_goes_on_from_where_a_cursor_says_that_the_list_was_read(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    """As some stored commits have it."""
    await installed(use, shopify, 6)
    assert await handle([asked("i1")], importer, soon()) == []
    shop = shopify.store.state.shops[SHOP]
    shop.customers = [one for one in shop.customers if one.id not in {2, 6}]
    began = importer.listed.now()
    await importer.listed.saw(SHOP, [1, 3, 4, 5])
    told = {"cursor": "", "end_cursor": "unlisted/1/", "began": began.isoformat()}
    started = ImportStarted(import_id="i2")
    draft = Draft(
        shop=SHOP,
        claim=import_page_claim("i2", 1),
        source="import",
        actor="system",
        events=[NewEvent(import_stream("i2"), started, began)],
        cause=Cause("import", headers=told),
        refs=[import_stream("i2")],
    )
    await importer.recorder.append([draft])
    assert await handle([asked("i2")], importer, soon()) == []
    assert await deleted(use) == [2, 6]
    assert (await events(use))[-1].event == ImportEnded(
        import_id="i2", outcome="complete", pages=1, orders="complete"
    )


async def test_many_who_are_gone_are_told_in_several_runs(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await installed(use, shopify, 60)
    assert await handle([asked("i1")], replace(importer, page_size=60), soon()) == []
    shopify.store.state.shops[SHOP].customers = []
    message, runs = asked("i2"), 0
    while True:
        runs += 1
        assert await handle([message], *for_one_page(importer)) == []
        left = await waiting(use)
        if not left:
            break
        message = record(left[0])
    assert runs == 5, "the empty list, three times at most 25, and the orders"
    assert sorted(await deleted(use)) == list(range(1, 61))
