"""`cplus webhooks` on a database."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from cplus.events.base import Cause
from cplus.events.log.commit import Draft
from cplus.events.log.store import EventStore
from cplus.events.names import webhook_claim
from cplus.mongo import Mongo
from tests.integration.command_line import started
from tests.integration.fold_world import SHOP

REASON = "shop/update: name: \x1b[31mwrong"


async def test_webhooks_are_translated_again_from_the_command_line(
    mongo: Mongo, stack: Path
) -> None:
    (stack / "secrets.json").write_text(json.dumps({"application_secret": "a secret"}))
    store = EventStore(mongo)
    body = json.dumps({"id": 1, "name": "Acorn", "myshopify_domain": SHOP}).encode()
    headers = {"x-shopify-topic": "shop/update", "x-shopify-webhook-id": "w-1"}
    claim = webhook_claim("shop/update", "w-1")
    cause = Cause("webhook", body, headers=headers)
    await store.append([Draft(SHOP, claim, "webhook", "shopify", cause=cause, reason=REASON)])

    async def asked(*command: str, status: int = 0) -> str:
        process = await started("webhooks", "retranslate", *command, "--data", str(stack))
        out, err = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == status, err.decode()
        return (err if status else out).decode()

    told = json.loads(await asked(SHOP, "--dry-run", "--json", "--since", "2026-01-01"))
    one = {"topic": "shop/update", "reason": REASON, "webhooks": 1}
    assert told == {
        "dry_run": True,
        "translated": [one],
        "untranslated": [],
        "translated_before": 0,
    }
    assert (await store.head(SHOP)).position == 1
    text = await asked("--topic", "shop/update")
    assert text.startswith("1 webhook translated\n        1  shop/update  shop/update: name: ")
    assert "\x1b" not in text, "a reason is no command to the terminal"
    assert (await store.read(SHOP, 1))[0].types == ["shop.changed"]
    assert "1 webhook translated again before" in await asked()
    unknown = "nowhere.myshopify.com"
    assert f"holds no commits of {unknown}" in await asked(unknown, status=1)
