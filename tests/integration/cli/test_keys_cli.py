"""`cplus keys` and `cplus seal`, on a log of which a part is from before there was a keyring."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from cplus.events.base import Cause, NewEvent
from cplus.events.catalogue.customers import CustomerChanged
from cplus.events.log.commit import Draft
from cplus.events.log.store import EventStore
from cplus.events.log.store import ensure_indexes as ensure_log_indexes
from cplus.mongo import Mongo
from cplus.privacy.keyring import APPLICATION, LOCAL, Keyring, LocalMaster, shop_owner
from cplus.privacy.keyring import ensure_indexes as ensure_key_indexes
from cplus.settings import Settings
from tests.integration.command_line import said, started, told

SECRET = "a secret that is only for tests"
SHOP, OTHER = "acorn.myshopify.com", "birch.myshopify.com"
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def draft(shop: str, number: int, cause: Cause | None = None) -> Draft:
    event = CustomerChanged(
        shopify_customer_id=number, person=f"person/{number}", email="a@b.example"
    )
    new = NewEvent(f"customer/{number}", event, NOW)
    return Draft(shop, f"webhook/{number}", "webhook", "shopify", [new], cause)


@pytest.fixture
async def keyring(mongo: Mongo) -> Keyring:
    """That of the stack; its log has two shops, of which one is all sealed."""
    await ensure_log_indexes(mongo.database)
    await ensure_key_indexes(mongo.keyring)
    made = Keyring(mongo.keyring, {LOCAL: LocalMaster(SECRET)})
    inline, large = Cause("webhook", b"{}"), Cause("webhook", ref={"bucket": "b", "key": "k"})
    await EventStore(mongo).append([draft(SHOP, 1, inline), draft(SHOP, 2, large)])
    sealing = EventStore(mongo, keys=made)
    kept = Cause("webhook", ref={"bucket": "b", "key": "sealed/1"}, opens=b"a key of its own")
    await sealing.append([draft(SHOP, 3, inline), draft(OTHER, 1, kept)])
    return made


async def test_what_is_in_clear_is_counted_by_shop(keyring: Keyring, stack: Path) -> None:
    found = await told("seal", "--data", str(stack))
    sealed = {"commits": 1, "sealed_events": 1, "sealed_causes": 1}
    none = {"clear_events": 0, "clear_fields": 0, "clear_causes": 0, "clear_objects": 0}
    clear = {"clear_events": 2, "clear_fields": 2, "clear_causes": 1, "clear_objects": 1}
    assert found == {
        "clear": 4,
        "shops": [
            {"shop": SHOP, **sealed, **clear, "commits": 3, "sealed_objects": 0},
            {"shop": OTHER, **sealed, **none, "sealed_objects": 1},
        ],
    }
    only = await told("seal", "--shop", OTHER, "--data", str(stack))
    assert only["clear"] == 0


async def test_each_wrapping_key_is_rotated_by_name(keyring: Keyring, settings: Settings) -> None:
    able = settings.model_copy(update={"application_secret": SecretStr(SECRET)})
    found = await said(able, "keys", "rotate", "shop", SHOP)
    assert found == {"key": f"{shop_owner(SHOP)}/2", "wrapped": 1, "deleted": 0, "retired": 1}
    found = await said(able, "keys", "rotate", "application")
    # The keys of two shops, one of which has an older one too.
    assert found == {"key": f"{APPLICATION}/2", "wrapped": 3, "deleted": 0, "retired": 1}


async def test_who_has_no_master_key_is_told_which_setting_is_missing(
    keyring: Keyring, stack: Path
) -> None:
    process = await started("keys", "rotate", "shop", SHOP, "--data", str(stack))
    _, err = await process.communicate()
    assert process.returncode == 1
    assert b"CPLUS_APPLICATION_SECRET" in err
