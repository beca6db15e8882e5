"""The functions' own files, in a process of their own, as Lambda calls them."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cplus.events.base import NewEvent
from cplus.events.catalogue import AppInstalled
from cplus.events.commit import Draft
from cplus.shopify.signatures import sign_webhook
from tests.integration.intake import SECRET, Intake, intake

SHOP = "blue-jam.myshopify.com"

PROGRAM = """
import asyncio, json, sys
from importlib import import_module
from cplus.loop import event_loop

class Context:
    def get_remaining_time_in_millis(self):
        return 60_000

answers = []
for name, event in json.load(sys.stdin):
    handler = import_module(f"lambdas.{name}").handler
    answer = handler(event, Context())
    # A second call has the same loop and connections.
    assert handler(event, Context()) == answer, name
    left = [repr(task) for task in asyncio.all_tasks(event_loop())]
    answers.append([name, answer, left])
print("answers", json.dumps(answers))
"""


@pytest.fixture
async def use(mongo_uri: str, aws_endpoint: str) -> AsyncIterator[Intake]:
    async with intake(mongo_uri) as made:
        yield made


def environment(use: Intake, mongo_uri: str) -> dict[str, str]:
    settings = use.parts.settings
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("CPLUS_")},
        "CPLUS_MONGO_URI": mongo_uri,
        "CPLUS_MONGO_DATABASE": settings.mongo_database,
        "CPLUS_MONGO_KEYRING_DATABASE": settings.mongo_keyring_database,
        "CPLUS_SHOPIFY_CLIENT_ID": "client-id",
        "CPLUS_SHOPIFY_CLIENT_SECRET": SECRET,
        "CPLUS_SHOPIFY_ORIGIN": "http://127.0.0.1:9/{shop}",
        "CPLUS_APPLICATION_SECRET": "application-secret",
        "CPLUS_WEBHOOKS_QUEUE": settings.webhooks_queue,
        "CPLUS_IMPORT_QUEUE": settings.import_queue,
        "CPLUS_SEND_QUEUE": settings.send_queue,
        "CPLUS_NUDGES_TOPIC": settings.nudges_topic,
        "CPLUS_BODIES_BUCKET": settings.bodies_bucket,
    }


def batch(*bodies: Any) -> dict[str, Any]:
    return {
        "Records": [
            {"messageId": f"m{i}", "body": body if isinstance(body, str) else json.dumps(body)}
            for i, body in enumerate(bodies)
        ]
    }


async def test_each_function_answers_and_leaves_no_task_behind(use: Intake, mongo_uri: str) -> None:
    installed = NewEvent(
        f"shop/{SHOP}", AppInstalled(scopes=(), shop_name="Blue Jam"), use.parts.clock()
    )
    await use.parts.store.append([Draft(SHOP, "install/x", "install", "merchant", [installed])])
    body = b'{"id": 7}'
    headers = {
        "x-shopify-topic": "customers/update",
        "x-shopify-shop-domain": SHOP,
        "x-shopify-webhook-id": "w-1",
    }
    request = {
        "rawPath": "/webhooks/shopify",
        "requestContext": {"http": {"method": "POST"}, "requestId": "attempt"},
        "headers": {**headers, "x-shopify-hmac-sha256": sign_webhook(body, SECRET)},
        "body": body.decode(),
        "isBase64Encoded": False,
    }
    webhook = {"delivery": "d", "headers": headers, "body": base64.b64encode(body).decode()}
    calls = [
        ("edge", request),
        ("webhooks", batch(webhook, "no json")),
        ("react", batch({"shop": SHOP, "position": 2}, "no json")),
        ("customer_import", batch({"shop": SHOP, "import_id": "i1"}, "no json")),
    ]
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-W", "error", "-c", PROGRAM],
        input=json.dumps(calls),
        env=environment(use, mongo_uri),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *lines, last = done.stdout.splitlines()
    failed = {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert json.loads(last.removeprefix("answers ")) == [
        ["edge", {"statusCode": 200, "headers": {}, "body": "", "isBase64Encoded": False}, []],
        ["webhooks", failed, []],
        ["react", failed, []],
        ["customer_import", failed, []],
    ]
    assert all(json.loads(line)["event"] for line in lines), "each log line is a JSON object"
    assert len(await use.drain(use.parts.settings.webhooks_queue)) == 2
    assert len(await use.drain(use.parts.settings.import_queue)) == 1
    # The webhook, the install, and the import that found no tokens.
    assert (await use.parts.store.head(SHOP)).position == 3
