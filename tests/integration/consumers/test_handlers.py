"""The functions' own files, in a process of their own, as Lambda calls them."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cplus.aws import Aws
from cplus.consumers.folding.rebuilding import Task
from cplus.events.base import NewEvent
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.catalogue.privacy import ErasureRequested
from cplus.events.log.commit import Draft
from cplus.events.names import INSTALLED_REF
from cplus.local.intrinsics import load
from cplus.projections.generations.lineage_changes import begin, begin_run
from cplus.projections.models.shops import SHOPS
from cplus.settings import Settings
from cplus.shopify.signatures import sign_webhook
from cplus.subscriptions.checkpoints import read_checkpoint
from tests.conftest import ROOT
from tests.integration.intake import SECRET, Intake, intake
from tests.samples import installed

FUNCTIONS = load(ROOT / "serverless.yml")["functions"]
SHOP = "blue-jam.myshopify.com"
DOMAIN = "mail.example.com"
TASK = Task("shops", 1, 2, SHOP, "r1")
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
MAIL = b"From: ann@example.com\r\nTo: blue-jam@mail.example.com\r\nSubject: Tea\r\n\r\nGreen?\r\n"

PROGRAM = """
import asyncio, json, sys
from importlib import import_module
from cplus.loop import event_loop

class Context:
    def get_remaining_time_in_millis(self):
        return 60_000

for line in sys.stdin:
    name, path, event = json.loads(line)
    handler = getattr(import_module(path.rpartition(".")[0].replace("/", ".")), "handler")
    told = {"answers": []}
    try:
        # A second call has the same loop and connections.
        for _ in range(2):
            told["answers"].append(handler(event, Context()))
    except Exception as error:
        told["error"] = repr(error)
    told["left"] = [repr(task) for task in asyncio.all_tasks(event_loop())]
    print("told", json.dumps([name, told]), flush=True)
"""


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
        "CPLUS_MAIL_DOMAIN": DOMAIN,
        "CPLUS_APP_URL": "http://app.test",
        **{
            f"CPLUS_{name.upper()}": settings.needed(name)
            for name in Settings.model_fields
            if name.endswith("_queue")
        },
        "CPLUS_NUDGES_TOPIC": settings.nudges_topic,
        "CPLUS_BODIES_BUCKET": settings.bodies_bucket,
        "CPLUS_ROOTS_BUCKET": settings.bodies_bucket,
        "CPLUS_MAIL_BUCKET": settings.bodies_bucket,
    }


def batch(*bodies: Any) -> dict[str, Any]:
    return {
        "Records": [
            {"messageId": f"m{i}", "body": body if isinstance(body, str) else json.dumps(body)}
            for i, body in enumerate((*bodies, "no json"))
        ]
    }


def request(method: str, path: str, body: bytes = b"", **headers: str) -> dict[str, Any]:
    http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "app.test", **{k.replace("_", "-"): v for k, v in headers.items()}},
        "requestContext": {"http": http, "requestId": "attempt", "stage": "$default"},
        "body": body.decode(),
        "isBase64Encoded": False,
    }


def events(bucket: str) -> dict[str, dict[str, Any]]:
    """An event of each function's own kind; of a batch the last message is none."""
    body = b'{"id": 7}'
    headers = {
        "x_shopify_topic": "customers/update",
        "x_shopify_shop_domain": SHOP,
        "x_shopify_webhook_id": "w-1",
    }
    signed = {**headers, "x_shopify_hmac_sha256": sign_webhook(body, SECRET)}
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    webhook = {"delivery": "d", "headers": told, "body": base64.b64encode(body).decode()}
    received = {
        "notificationType": "Received",
        "mail": {"messageId": "ses-1", "source": "ann@example.com"},
        "receipt": {
            "timestamp": NOW.isoformat(),
            "recipients": [f"blue-jam@{DOMAIN}"],
            "action": {"type": "S3", "bucketName": bucket, "objectKey": "mail"},
        },
    }
    delivered = {
        "eventType": "Delivery",
        "mail": {
            "messageId": "ses-2",
            "timestamp": NOW.isoformat(),
            "tags": {"cplus-shop": ["blue-jam"], "cplus-message": ["r1"]},
        },
        "delivery": {"timestamp": NOW.isoformat()},
    }
    nudge = batch({"shop": SHOP, "position": 2})
    return {
        "edge": request("POST", "/webhooks/shopify", body, **signed),
        "web": request("GET", "/healthz"),
        "webhooks": batch(webhook),
        "inbound-email": batch(received),
        "email-events": batch(delivered),
        "project-conversations": nudge,
        "project-customers": nudge,
        "project-billing": nudge,
        "react": nudge,
        "customer-import": batch({"shop": SHOP, "import_id": "i1"}),
        "outbound-email": batch({"shop": SHOP, "message_id": "r1"}),
        "rebuild": batch(asdict(TASK)),
        "erase": batch({"shop": SHOP, "erasure": "e1"}),
        "sweep": {"scope": "recent"},
        "daily": {},
    }


async def prepare(use: Intake) -> None:
    """An install, an answer to send, a generation to fill, a mail, and a domain to send from."""
    parts = use.parts
    reply = ReplyWritten(
        originator_id="conversation/c1",
        originator_version=1,
        timestamp=NOW,
        message_id="r1",
        person="person/a",
        to_address="ann@example.com",
        subject="Tea",
        text="Yes",
        author="merchant",
    )
    stream = f"shop/{SHOP}"
    asked = ErasureRequested(erasure="e1", person="person/b", due_at=NOW)
    begun = NewEvent(stream, installed("Blue Jam", shop=SHOP), parts.clock())
    written = NewEvent("conversation/c1", reply, NOW, version=1)
    await parts.store.append(
        [
            Draft(SHOP, "install/x", "install", "merchant", [begun], refs=[INSTALLED_REF]),
            Draft(SHOP, "reply/x", "test", "merchant", [written], refs=["message/r1"]),
            Draft(
                *(SHOP, "erase/x", "test", "merchant"),
                [NewEvent("erasure/e1", asked, NOW)],
                refs=["erasure/e1", "person/b"],
            ),
        ]
    )
    await begin_run(parts.mongo.database, await begin(parts.mongo.database, SHOPS), TASK.run)
    await parts.aws.put_object(parts.settings.bodies_bucket, "mail", MAIL)
    await (await parts.aws.client("sesv2")).create_email_identity(EmailIdentity=DOMAIN)


@pytest.fixture(scope="module")
async def told(mongo_uri: str, aws: Aws) -> AsyncIterator[dict[str, Any]]:
    """What each function answered to an event that came twice, and what it left running."""
    async with intake(mongo_uri, aws) as use:
        await prepare(use)
        given = events(use.parts.settings.bodies_bucket)
        # An erasure comes first, before there are rows for which it would wait.
        names = sorted(FUNCTIONS, key=lambda name: name != "erase")
        calls = [[name, FUNCTIONS[name]["handler"], given.get(name)] for name in names]
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-W", "error", "-c", PROGRAM],
            input="\n".join(map(json.dumps, calls)),
            env=environment(use, mongo_uri),
            capture_output=True,
            text=True,
            check=False,
        )
        # Lambda ends no connection: what Python says of them at its own end is no matter.
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = {"answers": {}, "logged": [], "use": use}
        for line in done.stdout.splitlines():
            if line.startswith("told "):
                name, what = json.loads(line.removeprefix("told "))
                found["answers"][name] = what
            else:
                found["logged"].append(json.loads(line))
        yield found


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_answers_and_leaves_no_task_behind(told: dict[str, Any], name: str) -> None:
    what = told["answers"][name]
    assert what.get("error") is None
    assert what["left"] == []
    first, second = what["answers"]
    if name in ("edge", "web"):
        assert (first["statusCode"], second["statusCode"]) == (200, 200)
    elif name == "sweep":
        assert first["shops"] == second["shops"] == 1
        assert (first["failed"], first["unfinished"], second["behind"]) == (0, 0, 0)
    elif name == "daily":
        assert first == second
        assert first["shops"] == 1
    else:
        # The last message of the batch is none; the other was done, now or before.
        assert first == second == {"batchItemFailures": [{"itemIdentifier": "m1"}]}


async def test_each_log_line_is_one_object_that_names_its_event(told: dict[str, Any]) -> None:
    events = {line["event"] for line in told["logged"]}
    assert events >= {"webhooks_recorded", "mail_sent", "lag_measured"}


async def test_what_came_twice_was_done_once(told: dict[str, Any]) -> None:
    use: Intake = told["use"]
    settings = use.parts.settings
    assert len(await use.drain(settings.webhooks_queue)) == 2  # one for each request
    assert len(await use.drain(settings.import_queue)) == 1
    assert len(await use.drain(settings.send_queue)) == 1
    assert await use.drain(settings.rebuild_queue) == []
    assert len(await use.drain(settings.erasures_queue)) == 1
    target = replace(SHOPS, generation=TASK.generation)
    assert (await read_checkpoint(use.parts.mongo.database, target, SHOP)).position > 2
    commits = await use.parts.store.read(SHOP, 0)
    assert sorted(commit.source for commit in commits) == sorted(
        [
            "install",
            "test",
            "webhook",
            "mail",
            "mail-event",
            "import",
            "outbound-email",
            "allowance",
            "test",
            "erasure",  # the person is erased
            "erasure",  # and completely
        ]
    )
