"""The AWS endpoint as a real process, asked by AWS's own client."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from cplus.aws import Aws, Objects
from cplus.local import resources
from cplus.local.application import Application
from cplus.local.aws import ACCOUNT, KMS_KEY, REGION, AwsEndpoint, client, options
from cplus.local.aws.email.inbound import Receipt, deliver
from cplus.local.serverless import read
from tests.conftest import ROOT

DOMAIN = "mail.cplus.example"
MAIL = (
    b"From: Tea Shop <tea@mail.cplus.example>\r\nTo: Ann <ann@example.com>\r\n"
    b"Bcc: secret@example.com\r\nSubject: =?utf-8?q?Th=C3=A9?=\r\nMessage-ID: <own@tea>\r\n"
    b"\r\nYour tea is <b>here</b>.\r\n"
)


def _application(endpoint: str) -> Application:
    return read(
        ROOT / "serverless.yml",
        ROOT / "infra" / "foundation.yml",
        account=ACCOUNT,
        region=REGION,
        env={},
        endpoint=endpoint,
    )


@pytest.fixture(scope="module")
async def aws(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AwsEndpoint]:
    endpoint = AwsEndpoint(tmp_path_factory.mktemp("aws"))
    await endpoint.start()
    application = _application(endpoint.endpoint)
    await asyncio.to_thread(resources.create, application, endpoint.endpoint, DOMAIN)
    yield endpoint
    await endpoint.stop()


@pytest.fixture(scope="module")
def application(aws: AwsEndpoint) -> Application:
    return _application(aws.endpoint)


@pytest.fixture
def queues(application: Application) -> dict[str, str]:
    return resources.short_names(application)[0]


@pytest.fixture
def sqs(aws: AwsEndpoint) -> Any:
    return client("sqs", aws.endpoint)


def _take(sqs: Any, queue: str, wait: int = 5) -> list[dict[str, Any]]:
    answer = sqs.receive_message(
        QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=wait, AttributeNames=["All"]
    )
    messages: list[dict[str, Any]] = answer.get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return messages


def _send_mail(aws: AwsEndpoint, **given: Any) -> Any:
    arguments = {
        "FromEmailAddress": "tea@mail.cplus.example",
        "Destination": {"ToAddresses": ["ann@example.com"]},
        "Content": {"Raw": {"Data": MAIL}},
        "EmailTags": [
            {"Name": "cplus-shop", "Value": "tea"},
            {"Name": "cplus-message", "Value": "m1"},
        ],
        "ConfigurationSetName": "cplus-local",
    }
    return client("sesv2", aws.endpoint).send_email(**{**arguments, **given})


def test_making_the_resources_again_changes_nothing_and_loses_no_message(
    aws: AwsEndpoint, application: Application, sqs: Any, queues: dict[str, str]
) -> None:
    sqs.send_message(QueueUrl=queues["import"], MessageBody="stays")
    resources.create(application, aws.endpoint, DOMAIN)
    attributes = sqs.get_queue_attributes(QueueUrl=queues["import"], AttributeNames=["All"])
    declared = application.queue("cplus-local-import")
    assert attributes["Attributes"]["VisibilityTimeout"] == str(declared.visibility)
    redrive = json.loads(attributes["Attributes"]["RedrivePolicy"])
    assert redrive["deadLetterTargetArn"] == application.queue("cplus-local-import-dead").arn
    assert [message["Body"] for message in _take(sqs, queues["import"])] == ["stays"]


async def test_a_long_poll_ends_when_a_message_comes(sqs: Any, queues: dict[str, str]) -> None:
    started = time.monotonic()
    polling = asyncio.create_task(asyncio.to_thread(_take, sqs, queues["send"], 10))
    await asyncio.to_thread(
        sqs.send_message, QueueUrl=queues["send"], MessageBody="now", MessageGroupId="tea"
    )
    (message,) = await polling
    assert message["Attributes"]["MessageGroupId"] == "tea"
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert time.monotonic() - started < 5


def test_a_message_received_too_often_goes_to_the_dead_letters(sqs: Any, aws: AwsEndpoint) -> None:
    dead = sqs.create_queue(QueueName="tried-dead")["QueueUrl"]
    policy = {"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:tried-dead"}
    queue = sqs.create_queue(
        QueueName="tried",
        Attributes={"RedrivePolicy": json.dumps({**policy, "maxReceiveCount": 2})},
    )["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    handles = [
        sqs.receive_message(QueueUrl=queue, VisibilityTimeout=0)["Messages"][0]["ReceiptHandle"]
        for _ in range(2)
    ]
    # The first handle is stale: the call succeeds, as documented, and deletes nothing.
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=handles[0])
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    assert [message["Body"] for message in _take(sqs, dead)] == ["x"]


def test_a_hidden_message_comes_back_when_its_visibility_ends(sqs: Any) -> None:
    queue = sqs.create_queue(QueueName="hidden")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    assert sqs.receive_message(QueueUrl=queue, VisibilityTimeout=1)["Messages"]
    started = time.monotonic()
    assert sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert 0.5 < time.monotonic() - started < 4


@pytest.mark.parametrize("sooner", ["visibility", "delay"])
async def test_who_waits_is_given_a_message_as_soon_as_it_is_due(sqs: Any, sooner: str) -> None:
    name = f"sooner-{sooner}"
    queue = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    handle = sqs.receive_message(QueueUrl=queue)["Messages"][0]["ReceiptHandle"]
    waiting = asyncio.create_task(asyncio.to_thread(_take, sqs, queue, 20))
    other = client("sqs", sqs.meta.endpoint_url)
    # The first call may come before the wait has begun; the last shows that it goes on.
    for _ in range(3):
        assert not (await asyncio.wait([waiting], timeout=0.2))[0]
        other.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])
    if sooner == "visibility":
        other.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=1)
    else:
        other.send_message(QueueUrl=queue, MessageBody="y", DelaySeconds=1)
    started = time.monotonic()
    assert [message["Body"] for message in await waiting] == [
        "x" if sooner == "visibility" else "y"
    ]
    assert time.monotonic() - started < 15


@pytest.mark.parametrize("body", ["a\0b", "\x1b", "￿"])
def test_a_body_with_characters_that_sqs_refuses_is_refused(
    sqs: Any, queues: dict[str, str], body: str
) -> None:
    with pytest.raises(ClientError, match="InvalidMessageContents"):
        sqs.send_message(QueueUrl=queues["send"], MessageBody=body)
    assert _take(sqs, queues["send"], 0) == []


def test_a_queue_that_is_not_there_is_said_so(sqs: Any, queues: dict[str, str]) -> None:
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.send_message(QueueUrl=f"{queues['send']}-not", MessageBody="x")


def test_what_is_published_reaches_every_subscribed_queue_raw_and_react_if_it_is_for_it(
    aws: AwsEndpoint, application: Application, sqs: Any, queues: dict[str, str]
) -> None:
    topic = next(topic.arn for topic in application.topics if topic.name.endswith("-nudges"))
    answer = client("sns", aws.endpoint).publish_batch(
        TopicArn=topic,
        PublishBatchRequestEntries=[
            {
                "Id": str(i),
                "Message": json.dumps({"position": i}),
                "MessageGroupId": "tea",
                "MessageAttributes": {name: {"DataType": "String.Array", "StringValue": words}},
            }
            for i, (name, words) in enumerate(
                [("families", '["orders"]'), ("families", '["mail", "shops"]'), ("of", '["none"]')]
            )
        ],
    )
    assert [one["Id"] for one in answer["Successful"]] == ["0", "1", "2"]
    for queue in ("project-conversations", "project-customers", "project-billing"):
        bodies = [message["Body"] for message in _take(sqs, queues[queue])]
        assert bodies == ['{"position": 0}', '{"position": 1}', '{"position": 2}'], queue
    assert [message["Body"] for message in _take(sqs, queues["react"])] == ['{"position": 1}']


@pytest.mark.parametrize("served", ["directly", "by moto"])
def test_a_queue_with_a_filter_gets_only_what_has_one_of_the_words(
    aws: AwsEndpoint, sqs: Any, served: str
) -> None:
    """As on AWS a message with no attributes passes no filter, whatever that asks for:
    https://docs.aws.amazon.com/sns/latest/dg/attribute-key-matching.html"""
    sns = client("sns", aws.endpoint)
    topic = sns.create_topic(Name=f"filtered-{served[:2]}")["TopicArn"]
    urls = {}
    filters: dict[str, dict[str, Any]] = {
        "all": {},
        "words": {"families": ["shops", "conversations"]},
        # moto serves the whole topic where a filter asks for more than words.
        **({"prefix": {"families": [{"prefix": "conv"}]}} if served == "by moto" else {}),
    }
    for name, policy in filters.items():
        urls[name] = sqs.create_queue(QueueName=f"{served[:2]}-{name}")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=urls[name], AttributeNames=["QueueArn"])
        sns.subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=arn["Attributes"]["QueueArn"],
            Attributes={
                "RawMessageDelivery": "true",
                **({"FilterPolicy": json.dumps(policy)} if policy else {}),
            },
        )

    def told(message: str, families: list[str] | str | None) -> dict[str, Any]:
        if families is None:
            return {"Id": message, "Message": message}
        kind = "String" if isinstance(families, str) else "String.Array"
        value = families if isinstance(families, str) else json.dumps(families)
        attribute = {"DataType": kind, "StringValue": value}
        return {"Id": message, "Message": message, "MessageAttributes": {"families": attribute}}

    sns.publish_batch(
        TopicArn=topic,
        PublishBatchRequestEntries=[
            told("orders", ["orders", "customers"]),
            told("shops", ["orders", "shops"]),
            told("one", "conversations"),
            told("none", None),
        ],
    )
    single = told("alone", ["conversations"])
    del single["Id"]
    sns.publish(TopicArn=topic, **single)
    bodies = {name: [message["Body"] for message in _take(sqs, url)] for name, url in urls.items()}
    assert bodies.pop("all") == ["orders", "shops", "one", "none", "alone"]
    assert bodies.pop("words") == ["shops", "one", "alone"]
    assert [body for body in bodies.get("prefix", ()) if body in ("orders", "none")] == []


def test_a_mail_leaves_with_ses_s_message_id_and_its_events_carry_its_tags(
    aws: AwsEndpoint, sqs: Any, queues: dict[str, str]
) -> None:
    recipients = ["ann@example.com", "bounce+7@example.com", "complaint@example.com"]
    sent = _send_mail(aws, Destination={"ToAddresses": recipients})["MessageId"]
    events = [json.loads(message["Body"]) for message in _take(sqs, queues["mail-events"])]
    assert [event["eventType"] for event in events] == ["Send", "Delivery", "Bounce", "Complaint"]
    for event in events:
        assert event["mail"]["messageId"] == sent
        assert event["mail"]["destination"] == recipients
        assert event["mail"]["tags"]["cplus-shop"] == ["tea"]
        assert event["mail"]["tags"]["cplus-message"] == ["m1"]
        assert event["mail"]["tags"]["ses:configuration-set"] == ["cplus-local"]
    _, delivery, bounce, complaint = events
    assert delivery["delivery"]["recipients"] == ["ann@example.com", "complaint@example.com"]
    (bounced,) = bounce["bounce"]["bouncedRecipients"]
    assert bounced["emailAddress"] == "bounce+7@example.com"
    assert complaint["complaint"]["complainedRecipients"] == [
        {"emailAddress": "complaint@example.com"}
    ]
    mailbox = f"{aws.endpoint}/_mailbox"
    (kept,) = httpx.get(f"{mailbox}/messages.json?to=bounce%2B7@example.com").json()["messages"]
    assert (kept["message_id"], kept["subject"]) == (sent, "Thé")
    assert kept["header_id"] == f"<{sent}@us-east-1.amazonses.com>"
    raw = httpx.get(f"{mailbox}/{sent}.eml").content
    assert f"Message-ID: {kept['header_id']}".encode() in raw
    assert b"own@tea" not in raw
    assert b"secret@example.com" not in raw
    page = httpx.get(f"{mailbox}/{sent}").text
    assert "&lt;b&gt;here&lt;/b&gt;" in page
    assert f"/_mailbox/{sent}" in httpx.get(f"{mailbox}/").text


def test_the_old_api_sends_too_and_reads_the_envelope_from_the_headers(aws: AwsEndpoint) -> None:
    sent = client("ses", aws.endpoint).send_raw_email(RawMessage={"Data": MAIL})["MessageId"]
    found = httpx.get(f"{aws.endpoint}/_mailbox/messages.json?to=secret@example.com").json()
    assert [one["message_id"] for one in found["messages"]] == [sent]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"EmailTags": [{"Name": "cplus-shop", "Value": "tea.myshopify.com"}]}, "BadRequest"),
        ({"EmailTags": [{"Name": "", "Value": "x"}]}, "BadRequest"),
        ({"Destination": {"ToAddresses": [f"{i}@example.com" for i in range(51)]}}, "BadRequest"),
        ({"Destination": {"ToAddresses": ["nobody"]}}, "BadRequest"),
        ({"Content": {"Raw": {"Data": b"no mail at all"}}}, "BadRequest"),
        ({"Content": {"Raw": {"Data": MAIL + b"x" * 41_943_040}}}, "BadRequest"),
        ({"ConfigurationSetName": "not-there"}, "NotFound"),
        ({"FromEmailAddress": "tea@elsewhere.example"}, "MessageRejected"),
    ],
    ids=["tag", "empty tag", "51", "no domain", "no headers", "40 MB", "set", "identity"],
)
def test_a_mail_that_ses_refuses_is_refused_and_not_kept(
    aws: AwsEndpoint, given: dict[str, Any], code: str
) -> None:
    before = httpx.get(f"{aws.endpoint}/_mailbox/messages.json").json()["messages"]
    with pytest.raises(ClientError, match=code):
        _send_mail(aws, **given)
    assert httpx.get(f"{aws.endpoint}/_mailbox/messages.json").json()["messages"] == before


async def test_buckets_keep_versions_until_each_is_deleted_for_good(
    aws: AwsEndpoint, application: Application
) -> None:
    s3, bucket = client("s3", aws.endpoint), resources.short_names(application)[1]["mail"]
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    days = {one["Filter"]["Prefix"]: one["Expiration"].get("Days") for one in rules}
    assert days == {"": None, "incoming/": 30, "uploads/": 2}
    for body in (b"first", b"second"):
        s3.put_object(Bucket=bucket, Key="sealed/a", Body=body)
    s3.delete_object(Bucket=bucket, Key="sealed/a")
    s3.put_object(Bucket=bucket, Key="sealed/b", Body=b"other")
    clients = Aws(**options(aws.endpoint))
    try:
        [versions] = (await clients.list_versions(bucket, "sealed/a")).values()
        assert (len(versions.ids), len(versions.markers)) == (2, 1)
        refs = [{"bucket": bucket, "key": key} for key in ("sealed/a", "sealed/b")]
        assert await Objects(clients, [bucket]).delete(refs) == 2
        assert await clients.list_versions(bucket, "sealed/") == {}
    finally:
        await clients.close()


def test_a_mail_that_comes_in_is_stored_whole_and_told_of_as_ses_does(
    aws: AwsEndpoint, application: Application, sqs: Any, queues: dict[str, str]
) -> None:
    bucket = resources.short_names(application)[1]["mail"]
    receipt = Receipt(aws.endpoint, bucket, resources.exported(application, "mail-topic"))
    message_id = deliver(receipt, b"\xff\0 no mail", ["tea@mail.cplus.example"], "ann@example.com")
    (message,) = _take(sqs, queues["mail"])
    told = json.loads(message["Body"])
    assert told["notificationType"] == "Received"
    assert told["mail"]["messageId"] == message_id
    assert told["receipt"]["recipients"] == ["tea@mail.cplus.example"]
    assert told["receipt"]["spamVerdict"] == {"status": "PASS"}
    action = told["receipt"]["action"]
    assert (action["type"], action["objectKey"]) == ("S3", f"incoming/{message_id}")
    stored = client("s3", aws.endpoint).get_object(
        Bucket=action["bucketName"], Key=action["objectKey"]
    )
    assert stored["Body"].read().endswith(b"\xff\0 no mail")


KEYS = ["plain", "inbound/a b", "ü/é\t", "..", "a/../b", "x" * 1000, "per%cent%2F", "q?a=b&c#d"]


async def test_objects_survive_kill_9_and_what_was_lost_is_said(tmp_path: Path) -> None:
    endpoint = AwsEndpoint(tmp_path)
    await endpoint.start()
    try:
        s3, sqs = client("s3", endpoint.endpoint), client("sqs", endpoint.endpoint)
        kms = client("kms", endpoint.endpoint)
        wrapped = kms.encrypt(KeyId=KMS_KEY, Plaintext=b"a key")["CiphertextBlob"]
        s3.create_bucket(Bucket="kept")
        for key in KEYS:
            s3.put_object(Bucket="kept", Key=key, Body=key.encode() * 2, ContentType="text/x-mail")
        s3.put_object(Bucket="kept", Key="gone", Body=b"x")
        s3.delete_object(Bucket="kept", Key="gone")
        s3.put_object(Bucket="kept", Key="gone too", Body=b"x")
        s3.delete_objects(Bucket="kept", Delete={"Objects": [{"Key": "gone too"}]})
        s3.put_object(Bucket="kept", Key="plain", Body=b"newer", ContentType="text/x-mail")
        s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
        for version in [s3.put_object(Bucket="kept", Key="erased", Body=b"x") for _ in range(2)]:
            s3.delete_object(Bucket="kept", Key="erased", VersionId=version["VersionId"])
        queue = sqs.create_queue(QueueName="held")["QueueUrl"]
        for _ in range(3):
            sqs.send_message(QueueUrl=queue, MessageBody="x")
        sqs.receive_message(QueueUrl=queue)

        endpoint.kill()
        await asyncio.wait_for(endpoint.child.restarted(1), 20)

        assert await endpoint.lost() == {"held": 3}
        unwrapped = await asyncio.to_thread(kms.decrypt, KeyId=KMS_KEY, CiphertextBlob=wrapped)
        assert unwrapped["Plaintext"] == b"a key"
        listed = await asyncio.to_thread(s3.list_objects_v2, Bucket="kept", EncodingType="url")
        assert listed["KeyCount"] == len(KEYS)
        for key in KEYS:
            found = await asyncio.to_thread(s3.get_object, Bucket="kept", Key=key)
            assert found["Body"].read() == (b"newer" if key == "plain" else key.encode() * 2)
            assert found["ContentType"] == "text/x-mail"
    finally:
        await endpoint.stop()
    assert json.loads((tmp_path / "aws-state.json").read_text())["clean"] is True
