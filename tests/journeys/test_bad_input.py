"""Bad input on the running system: answered rightly, or kept with the reason; and all goes on."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pymongo
import pytest
from pymongo.read_concern import ReadConcern

from cplus.aws import BODIES, MAIL, Aws, SealedObjects
from cplus.bootstrap import Parts
from cplus.events.base import Event
from cplus.events.catalogue.customers import CustomerChanged
from cplus.local.aws import client, options
from cplus.local.aws.email.inbound import Receipt, deliver
from cplus.local.demo import Drive, Sizes, make_plan
from cplus.local.resources import exported
from cplus.local.stack import MAIL_DOMAIN, Stack
from cplus.shopify.signatures import sign_webhook

PLAN = make_plan(Sizes(shops=1, customers=0, conversations=0))
SHOP = PLAN.hosts[0]
STRANGER = "never-installed.myshopify.com"
RETRY_AFTER = 3  # seconds until a message comes back that its function reported as failed
SECONDS = 180.0


class Quicker(Stack):
    """A stack in which five tries are over in a test's time.

    A message that its function reported as failed comes back soon. The visibility is as the file
    says: a message that is slowly worked on, on a busy machine, is not received a second time.
    """

    def _configure(self, app_url: str) -> None:
        super()._configure(app_url)
        functions = {
            name: replace(
                spec,
                event_sources=tuple(
                    replace(source, retry_after=RETRY_AFTER) for source in spec.event_sources
                ),
            )
            for name, spec in self.application.functions.items()
        }
        self.application = replace(self.application, functions=functions)


class Running(NamedTuple):
    """A running system, and how to ask it."""

    stack: Stack
    commits: Any
    http: httpx.AsyncClient
    parts: Parts

    async def send(
        self, body: bytes, *, topic: str = "customers/update", **headers: str
    ) -> tuple[int, str]:
        """The status that a signed webhook is answered with, and its id."""
        webhook_id = str(uuid.uuid4())
        secret = self.stack.settings.secret("shopify_client_secret")
        given = {
            "X-Shopify-Topic": topic,
            "X-Shopify-Hmac-Sha256": sign_webhook(body, secret),
            "X-Shopify-Shop-Domain": SHOP,
            "X-Shopify-Webhook-Id": webhook_id,
            **{f"X-Shopify-{name.replace('_', '-')}": value for name, value in headers.items()},
        }
        url = f"{self.stack.settings.app_url}/webhooks/shopify"
        answer = await self.http.post(url, content=body, headers=given)
        return answer.status_code, webhook_id

    async def commit(self, claim: str, shop: str = SHOP) -> dict[str, Any]:
        """The commit with the claim, once it is there."""
        found: dict[str, Any] = await self.until(
            lambda: self.commits.find_one({"shop": shop, "claims": claim}), claim
        )
        return found

    async def opened(self, claim: str) -> tuple[bytes | None, list[Event]]:
        """What came with the claim, and the events that it means."""
        commit = await self.parts.store.by_claim(SHOP, claim, cause=True)
        assert commit is not None
        [cause] = await self.parts.reader.causes([commit])
        events = await self.parts.reader.of(commit)
        body = cause.body if cause else None
        if cause is not None and cause.stored is not None:
            aws, bucket = self.parts.aws, cause.stored.ref["bucket"]
            role = MAIL if cause.kind == "mail" else BODIES
            body = await SealedObjects(aws, bucket, role).get(SHOP, cause.stored)
        return body, [one.event for one in events]

    async def until(self, found: Callable[[], Any], what: str) -> Any:
        """What `found` answers once it is true."""
        deadline = time.monotonic() + SECONDS
        while not (answer := await asyncio.to_thread(found)):
            assert time.monotonic() < deadline, f"never seen: {what}"
            await asyncio.sleep(0.1)
        return answer

    def queue(self, name: str) -> Any:
        """The name of a queue, short, as its URL."""
        return self.stack.info.queues[name]


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    data: Path = tmp_path_factory.mktemp("stack")
    async with Quicker(data) as stack, httpx.AsyncClient(timeout=30.0) as http:
        drive = Drive(stack, PLAN)
        try:
            await drive.only_install()
        finally:
            await drive.close()
        aws = Aws(**options(stack.aws.endpoint))
        parts = Parts(stack.settings, aws=aws)
        with pymongo.MongoClient[dict[str, Any]](stack.mongod.uri) as mongo:
            # As the store reads: what only the primary has yet, it does not see.
            database = mongo.get_database(
                stack.settings.mongo_database, read_concern=ReadConcern("majority")
            )
            yield Running(stack, database["commits"], http, parts)
        await parts.close()
        await aws.close()


def _customer(**fields: Any) -> bytes:
    return json.dumps({"id": 71, "email": "ada@example.com", **fields}).encode()


async def test_a_bad_signature_is_refused_and_leaves_nothing(running: Running) -> None:
    before = await asyncio.to_thread(running.commits.count_documents, {"source": "webhook"})
    assert (await running.send(_customer(), Hmac_Sha256="bm90IGl0"))[0] == 401
    assert (await running.send(_customer(), Hmac_Sha256=""))[0] == 401
    status, good = await running.send(_customer(note="after the bad ones"))
    assert status == 200
    await running.commit(f"webhook/customers/update/{good}")
    after = await asyncio.to_thread(running.commits.count_documents, {"source": "webhook"})
    assert after == before + 1


@pytest.mark.parametrize(
    "host", ["", "shop", "shop.example.com", "a.myshopify.com.evil.example", "-.myshopify.com"]
)
async def test_a_malformed_shop_host_is_refused(running: Running, host: str) -> None:
    assert (await running.send(_customer(), Shop_Domain=host))[0] == 400


async def test_a_body_beyond_the_limit_is_refused(running: Running) -> None:
    assert (await running.send(b" " * (4 * 1024 * 1024 + 1)))[0] == 413


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"id": 71,', "not JSON"),
        (b"", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[]", "not a JSON object"),
        (b'{"id": 9223372036854775808}', "id: "),
        (b'{"id": 1' + b"0" * 5_000 + b"}", "id: "),
        (b'{"id": 71, "note": "a\x00b"}', "not JSON"),
        (b'{"id": 71, "x": ' + b"[" * 1_000 + b"]" * 1_000 + b"}", "nested too deeply"),
        (b'{"id": 71, "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    ],
    ids=["broken", "empty", "bytes", "list", "2^63", "long", "raw NUL", "deep", "!"],
)
async def test_what_cannot_be_read_is_kept_as_it_came_with_the_reason(
    running: Running, body: bytes, reason: str
) -> None:
    status, webhook_id = await running.send(body)
    assert status == 200
    claim = f"webhook/customers/update/{webhook_id}"
    commit = await running.commit(claim)
    assert commit["events"] == []
    assert reason in commit["reason"]
    assert await running.opened(claim) == (body, [])


async def test_what_cannot_be_stored_costs_only_itself(running: Running) -> None:
    body = b'{"id": 71, "note": "a\\u0000b\\ud800", "x": ["\\ud800", 1' + b"0" * 5_000 + b"]}"
    status, webhook_id = await running.send(body)
    assert status == 200
    claim = f"webhook/customers/update/{webhook_id}"
    await running.commit(claim)
    came, [event] = await running.opened(claim)
    assert isinstance(event, CustomerChanged)
    assert event.note == "ab\ufffd"
    assert came == body


async def test_a_body_of_900_kb_goes_through_the_bucket(running: Running) -> None:
    body = _customer(note="n" * 900_000)
    status, webhook_id = await running.send(body)
    assert status == 200
    commit = await running.commit(f"webhook/customers/update/{webhook_id}")
    assert [event["type"] for event in commit["events"]] == ["customer.changed"]
    came, _ = await running.opened(f"webhook/customers/update/{webhook_id}")
    assert came == body
    ref = commit["cause"]["ref"]
    s3 = client("s3", running.stack.aws.endpoint)
    stored = s3.get_object(Bucket=ref["bucket"], Key=ref["key"])["Body"].read()
    assert b"nnnn" not in stored


async def test_a_webhook_of_a_shop_that_never_installed_is_recorded(running: Running) -> None:
    status, webhook_id = await running.send(_customer(), Shop_Domain=STRANGER)
    assert status == 200
    commit = await running.commit(f"webhook/customers/update/{webhook_id}", STRANGER)
    assert [event["type"] for event in commit["events"]] == ["customer.changed"]


@pytest.mark.parametrize(
    ("raw", "shown"), [(b"", False), (b"no mail at all", True), (bytes(range(256)) * 20, True)]
)
async def test_mail_that_is_no_mime_is_kept_and_shown_if_it_has_words(
    running: Running, raw: bytes, *, shown: bool
) -> None:
    name = SHOP.partition(".")[0]
    receipt = _receipt(running.stack)
    ses_id = await asyncio.to_thread(
        deliver, receipt, raw, [f"{name}@{MAIL_DOMAIN}"], "someone@example.com"
    )
    commit = await running.commit(f"mail/{ses_id}")
    types = [event["type"] for event in commit["events"]]
    assert types == (["conversation.started", "conversation.message_received"] if shown else [])
    assert shown or commit["reason"]
    came, _ = await running.opened(f"mail/{ses_id}")
    assert came
    assert came.endswith(raw)


BAD_MESSAGES = {
    "webhooks": {
        "no JSON": "the message is not JSON",
        "[]": "the message is not a JSON object",
        '{"headers": {}, "body": "e30="}': "The shop host",
        "[" * 1_000: "the message is not JSON",
    },
    "mail": {"no JSON": "the body is not JSON", "{}": "notificationType is missing"},
    "mail-events": {
        "no JSON": "the body is not JSON",
        '{"eventType": "Send"}': "mail is not an object",
    },
    "import": {"no JSON": "the message is not JSON", '{"shop": "nobody"}': "The shop host"},
    "send": {
        "no JSON": "not JSON",
        '{"shop": "'
        + SHOP
        + '", "message_id": "nothing"}': "the log of this shop has no such mail to send",
    },
    "rebuild": {"no JSON": "the message is not JSON", "{}": "the message names no projection"},
    "react": {"no JSON": "the message is not JSON"},
    "project-conversations": {"no JSON": "the message is not JSON"},
    "project-customers": {"no JSON": "the message is not JSON"},
    "project-billing": {"no JSON": "the message is not JSON"},
}
"""By queue, what is sent, and what the log lines say of it."""


async def test_what_names_no_shop_becomes_a_dead_letter_and_the_log_line_says_why(
    running: Running,
) -> None:
    sqs = client("sqs", running.stack.aws.endpoint)
    sent = {
        (
            queue,
            sqs.send_message(QueueUrl=running.queue(queue), MessageBody=body)["MessageId"],
        ): body
        for queue, bodies in BAD_MESSAGES.items()
        for body in bodies
    }
    # Beside the bad ones, good ones go on.
    status, webhook_id = await running.send(_customer(note="among dead letters"))
    assert status == 200
    await running.commit(f"webhook/customers/update/{webhook_id}")
    dead: dict[tuple[str, str], str] = {}

    def all_dead() -> bool:
        for queue in BAD_MESSAGES:
            answer = sqs.receive_message(
                QueueUrl=running.queue(f"{queue}-dead"), MaxNumberOfMessages=10
            )
            for message in answer.get("Messages", []):
                dead[queue, message["MessageId"]] = message["Body"]
        return set(dead) >= set(sent)

    await running.until(all_dead, "every bad message among the dead letters")
    assert dead == sent
    said = _said(running.stack.data / "logs")
    for (queue, message_id), body in sent.items():
        (reason,) = said[message_id]
        assert BAD_MESSAGES[queue][body] in reason


async def test_every_process_lived_through_it_and_a_good_webhook_is_recorded(
    running: Running,
) -> None:
    log = (running.stack.data / "logs" / "runner.log").read_text("utf-8")
    events = [json.loads(line) for line in log.splitlines()]
    assert events == []  # no process died, raised, ran too long or came too late for its batch
    status, webhook_id = await running.send(_customer(note="and on it goes"))
    assert status == 200
    commit = await running.commit(f"webhook/customers/update/{webhook_id}")
    assert [event["type"] for event in commit["events"]] == ["customer.changed"]


def _said(logs: Path) -> defaultdict[str, set[str]]:
    """The reasons that the functions gave for messages, by their ids."""
    said: defaultdict[str, set[str]] = defaultdict(set)
    for log in logs.glob("*.log"):
        for line in log.read_text("utf-8").splitlines():
            told = json.loads(line) if line.startswith("{") else {}
            if "reason" in told:
                said[str(told.get("message_id") or told.get("id"))].add(str(told["reason"]))
    return said


def _receipt(stack: Stack) -> Receipt:
    return Receipt(
        endpoint=stack.aws.endpoint,
        bucket=exported(stack.application, "mail-bucket"),
        topic=exported(stack.application, "mail-topic"),
    )
