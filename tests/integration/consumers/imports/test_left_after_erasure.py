"""Once somebody is erased, no answer and no webhook opens any more that names them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cplus.consumers.imports.customer_import import handle
from cplus.consumers.imports.importer import Importer
from cplus.consumers.webhooks.record import handle as take
from cplus.local.shopify import LocalShopify
from cplus.privacy.erasing import ask, erase
from tests.admin_orders import node, webhook
from tests.integration.consumers.imports.import_world import SHOP, asked, installed
from tests.integration.consumers.webhooks.installed_app import told
from tests.integration.intake import Intake, soon
from tests.integration.privacy.sealing_world import no_rows

GONE = "mira@gone.example"
OTHERS = {"email": "person2@example.com", "customer": {"legacyResourceId": "2"}}


@pytest.fixture(autouse=True)
async def _nothing_changed(shopify: LocalShopify) -> AsyncIterator[None]:
    yield
    shopify.changed.clear()


async def _shop(use: Intake, shopify: LocalShopify, *orders: dict[str, Any]) -> None:
    await installed(use, shopify, 3, restore_rate=100_000)
    shop = shopify.store.state.shops[SHOP]
    shop.customers[0].email = GONE
    shop.orders = list(orders)


def _placed(use: Intake) -> str:
    return (use.parts.clock() - timedelta(days=20)).isoformat(timespec="seconds")


async def _erased(use: Intake) -> None:
    who = await use.parts.persons.resolve(SHOP, shopify_id=1, happened_at=use.parts.clock())
    assert who is not None
    at, recorder = use.parts.clock(), use.parts.recorder
    await ask(recorder, SHOP, who.person, erasure="e1", source="cli", actor="operator/x", at=at)
    await erase(SHOP, "e1", use=replace(use.parts.erasing, behind=no_rows))


async def _named_in(use: Intake, text: str) -> list[str]:
    """The claims of what opens and has the text."""
    found = []
    for commit in await use.parts.store.read(SHOP, 0, cause=True):
        [cause] = await use.parts.reader.causes([commit])
        body = cause.body if cause else None
        if cause is not None and cause.stored is not None:
            try:
                body = await use.parts.bodies.get(SHOP, cause.stored)
            except KeyError:
                continue
        if text.encode() in (body or b""):
            found.append(commit.claims[0])
    return found


def _unreadable(key: str, name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Breaks the first node of such answers."""

    def change(answer: dict[str, Any]) -> dict[str, Any]:
        got = (answer.get("data") or {}).get(key)
        if got and got.get("nodes"):
            got["nodes"][0][name] = 5
        return answer

    return change


@pytest.mark.parametrize("inline", [256 * 1024, 0], ids=["in the log", "in the bucket"])
async def test_an_order_that_could_not_be_read_goes_with_its_customer(
    use: Intake, importer: Importer, shopify: LocalShopify, inline: int
) -> None:
    bad = node(100, _placed(use), email=GONE, updatedAt="x")
    await _shop(use, shopify, bad, node(101, _placed(use), **OTHERS))
    await handle([asked()], replace(importer, inline=inline), soon())
    assert "import/i1/2" in await _named_in(use, GONE)
    await _erased(use)
    assert await _named_in(use, GONE) == []


async def test_an_order_with_the_address_of_somebody_else_than_its_customer_goes_with_either(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await _shop(use, shopify, node(102, _placed(use), **{**OTHERS, "email": GONE}))
    await handle([asked()], importer, soon())
    assert "import/i1/2" in await _named_in(use, GONE)
    await _erased(use)
    assert await _named_in(use, GONE) == []


async def test_a_customer_who_could_not_be_read_in_a_second_import_is_gone_from_it(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await _shop(use, shopify)
    await handle([asked("i0")], importer, soon())
    shopify.changed[SHOP] = _unreadable("customers", "tags")
    await handle([asked("i1")], importer, soon())
    assert "import/i1/1" in await _named_in(use, GONE)
    await _erased(use)
    assert await _named_in(use, GONE) == []


@pytest.mark.parametrize(
    "body",
    [
        {"email": GONE, "customer": {"id": 2}},
        {"email": None, "customer": {"id": 2}, "note": f"a present for {GONE.upper()}."},
        {"email": GONE, "customer": {"id": 2}, "currency": None},
    ],
    ids=["its address", "in a text", "of no event"],
)
async def test_a_webhook_goes_with_whoever_is_named_in_it(
    use: Intake, importer: Importer, shopify: LocalShopify, body: dict[str, Any]
) -> None:
    await _shop(use, shopify)
    await handle([asked()], importer, soon())
    await take([told("orders/create", webhook(102) | body)], use.parts.webhooks, soon())
    assert len(await _named_in(use, "#102")) == 1
    await _erased(use)
    assert await _named_in(use, "#102") == []


async def test_what_names_somebody_unknown_opens_for_30_days(
    use: Intake, importer: Importer, shopify: LocalShopify
) -> None:
    await _shop(use, shopify)
    await handle([asked()], importer, soon())
    for number, address in ((102, "nobody@known.example"), (103, "person2@example.com")):
        body = webhook(number) | {"email": address, "customer": {"id": 2}}
        one = told("orders/create", body, webhook_id=f"w-{number}")
        await take([one], use.parts.webhooks, soon())
    days = {"owner": {"$regex": "^blue-jam.myshopify.com/unnamed/"}}
    assert await use.parts.keyring.rows.count_documents(days) == 1
    await use.parts.keyring.rows.update_many(days, {"$set": {"expires_at": use.parts.clock()}})
    await use.parts.keyring.expire()
    assert await _named_in(use, "#102") == []
    assert len(await _named_in(use, "#103")) == 1
