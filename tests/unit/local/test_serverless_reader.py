"""The local stack reads serverless.yml as the Serverless Framework does, or says that it cannot."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from cplus.errors import NotUnderstood
from cplus.local.application import Application
from cplus.local.intrinsics import Names, load
from cplus.local.serverless import interpret, read
from cplus.local.variables import Variables
from tests.conftest import ROOT

ACCOUNT, REGION, ENDPOINT = "123456789012", "us-east-1", "http://127.0.0.1:4566"


@pytest.fixture(scope="module")
def application() -> Application:
    return read(
        ROOT / "serverless.yml",
        ROOT / "infra" / "foundation.yml",
        account=ACCOUNT,
        region=REGION,
        env={},
        endpoint=ENDPOINT,
    )


def read_text(tmp_path: Path, document: dict[str, Any]) -> Application:
    """The reading of a small file with one queue beside what `document` says."""
    base: dict[str, Any] = {
        "service": "try",
        "params": {"default": {"wait": 7, "name": "any"}, "local": {"name": "mine"}},
        "provider": {"name": "aws", "environment": {}},
        "functions": {},
        "resources": {
            "Resources": {
                "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "first"}}
            }
        },
    }
    (tmp_path / "serverless.yml").write_text(yaml.safe_dump({**base, **document}))
    (tmp_path / "foundation.yml").write_text(
        "Parameters: {Stage: {Type: String}}\n"
        "Resources:\n"
        "  Bucket: {Type: 'AWS::S3::Bucket', Properties: {BucketName: !Sub 'b-${Stage}'}}\n"
        "Outputs:\n"
        "  Bucket: {Value: !Ref Bucket, Export: {Name: !Sub 'x-${Stage}-bucket'}}\n"
    )
    return read(
        tmp_path / "serverless.yml",
        tmp_path / "foundation.yml",
        account=ACCOUNT,
        region=REGION,
        env={"SET": "from outside"},
        endpoint=ENDPOINT,
    )


def environment(tmp_path: Path, value: Any) -> str:
    """What a function gets for an environment variable that the file gives as `value`."""
    function = {"handler": "a.b", "environment": {"X": value}}
    return read_text(tmp_path, {"functions": {"f": function}}).functions["f"].environment["X"]


def test_our_reading_is_that_of_the_framework(application: Application) -> None:
    osls = ROOT / "node_modules" / ".bin" / "osls"
    if not osls.exists():
        pytest.fail(f"{osls} is missing; run: npm install")
    printed = subprocess.run(
        [str(osls), "print", "--stage", "local", "--format", "json"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/tmp")},
        capture_output=True,
        timeout=120,
        check=True,
    )
    document = json.loads(printed.stdout)
    document["package"] = None
    names = Names(ACCOUNT, REGION, refs={"Stage": "local", "MailDomain": "mail.cplus.example"})
    foundation = load(ROOT / "infra" / "foundation.yml")
    theirs = interpret(document, foundation, names, stage="local", endpoint=ENDPOINT, root=ROOT)
    assert application == theirs
    ours = load(ROOT / "serverless.yml")
    resolved = Variables(ours, "local", {}).resolve(ours)
    assert resolved["resources"]["Resources"] == document["resources"]["Resources"]


def test_every_function_queue_and_dead_letter_of_the_file_is_found(
    application: Application,
) -> None:
    functions = application.functions
    assert {"edge", "web", "webhooks", "sweep", "outbound-email"} <= set(functions)
    assert functions["edge"].timeout == 5
    assert functions["edge"].routes[0].key == "POST /webhooks/shopify"
    assert functions["web"].routes[0].key == "$default"
    assert functions["web"].environment["CPLUS_MONGO_POOL"] == "8"
    assert [schedule.period for schedule in functions["sweep"].schedules] == [60, 3600]
    [daily] = functions["daily"].schedules
    assert (daily.rate, daily.at) == ("cron(30 23 * * ? *)", time(23, 30))
    assert functions["sweep"].reserved_concurrency == 2
    (source,) = functions["webhooks"].event_sources
    assert (source.queue, source.batch_size, source.batching_window) == (
        "cplus-local-webhooks",
        50,
        1,
    )
    queue = application.queue("cplus-local-webhooks")
    assert queue.url == f"{ENDPOINT}/{ACCOUNT}/cplus-local-webhooks"
    assert (queue.visibility, queue.dead_letter) == (30, "cplus-local-webhooks-dead")
    assert queue.max_receive_count == 5
    dead_letters = {queue.dead_letter for queue in application.queues} - {None}
    assert dead_letters <= {queue.name for queue in application.queues}


def test_a_daily_schedule_is_due_once_a_day_at_its_hour_by_utc(tmp_path: Path) -> None:
    event = {"schedule": "cron(5 0 * * ? *)"}
    document = {"functions": {"f": {"handler": "a.b", "events": [event]}}}
    [daily] = read_text(tmp_path, document).functions["f"].schedules
    due = datetime(2026, 11, 23, 0, 5, tzinfo=UTC)
    assert daily.after(due - timedelta(seconds=1)) == due
    assert daily.after(due) == due + timedelta(days=1)
    assert daily.after(due + timedelta(hours=23)) == due + timedelta(days=1)


def test_buckets_have_their_versions_and_the_rules_by_which_those_end(
    application: Application,
) -> None:
    assert {bucket.versioned for bucket in application.buckets} == {True}
    for name in ("mail", "bodies"):
        [rules] = [one.rules for one in application.buckets if f"-{name}-" in one.name]
        assert {
            "ID": "versions",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
            "Expiration": {"ExpiredObjectDeleteMarker": True},
        } in rules
    [roots] = [one.rules for one in application.buckets if "-roots-" in one.name]
    assert roots == (), "no root ever ends"


def test_imports_come_from_the_foundation(application: Application) -> None:
    environment = application.functions["edge"].environment
    assert environment["CPLUS_BODIES_BUCKET"] == f"cplus-local-bodies-{ACCOUNT}"
    assert environment["CPLUS_BODIES_BUCKET"] in {bucket.name for bucket in application.buckets}
    topics = {topic.arn for topic in application.topics}
    assert environment["CPLUS_NUDGES_TOPIC"] in topics
    assert all(subscription.topic_arn in topics for subscription in application.subscriptions)
    assert all(subscription.raw for subscription in application.subscriptions)


def test_secrets_stay_for_the_stack_to_override(application: Application) -> None:
    assert application.functions["web"].environment["CPLUS_MONGO_URI"].startswith("{{resolve:")


def test_passed_over_resources_are_listed(application: Application) -> None:
    assert application.passed_over["WebhooksDeadAlarm"] == "AWS::CloudWatch::Alarm"
    assert application.passed_over["AlarmsSubscription"] == "AWS::SNS::Subscription"
    assert application.passed_over["DailyRole"] == "AWS::IAM::Role"
    assert application.passed_over["MailIdentity"] == "AWS::SES::EmailIdentity"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("${sls:stage}", "local"),
        ("a ${param:name} b", "a mine b"),
        ("${param:wait}", "7"),
        ("${self:service}/${self:params.default.name}", "try/any"),
        ("${env:SET, 'fallback'}", "from outside"),
        ("${env:NOT_SET, 'fallback'}", "fallback"),
        ('${env:NOT_SET, ""}', ""),
        (True, "true"),
        (12, "12"),
        ({"Ref": "Queue"}, f"{ENDPOINT}/{ACCOUNT}/first"),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, f"arn:aws:sqs:{REGION}:{ACCOUNT}:first"),
        ({"Fn::GetAtt": "Queue.QueueName"}, "first"),
        ({"Fn::ImportValue": "x-${sls:stage}-bucket"}, "b-local"),
        ({"Fn::Join": ["-", ["a", {"Ref": "AWS::Region"}]]}, "a-us-east-1"),
        ({"Fn::Sub": "${AWS::AccountId} ${Queue.Arn} ${sls:stage} ${!Kept}"}, None),
        ({"Fn::Sub": ["${A}/x", {"A": {"Fn::ImportValue": "x-local-bucket"}}]}, "b-local/x"),
    ],
)
def test_the_named_subset_resolves(tmp_path: Path, value: Any, expected: str | None) -> None:
    whole = f"{ACCOUNT} arn:aws:sqs:{REGION}:{ACCOUNT}:first local ${{Kept}}"
    assert environment(tmp_path, value) == (whole if expected is None else expected)


@pytest.mark.parametrize(
    "value",
    [
        "${ssm:/secret}",
        "${file(x.yml)}",
        "${env:NOT_SET}",
        "${param:nowhere}",
        "${self:provider.nowhere}",
        "${opt:stage}",
        "${env:NOT_SET, ${sls:stage}}",
        "${Name}",
        "${self:functions.f.environment.X}",
        {"Ref": "Nowhere"},
        {"Fn::GetAtt": ["Queue", "Nowhere"]},
        {"Fn::ImportValue": "nowhere"},
        {"Fn::Select": [0, ["a"]]},
        {"Fn::Sub": "${Nowhere}"},
        ["a", "list"],
    ],
)
def test_anything_else_is_an_error_that_names_the_place(tmp_path: Path, value: Any) -> None:
    with pytest.raises(NotUnderstood, match=r"functions\.f\.environment\.X"):
        environment(tmp_path, value)


def subscribed(properties: dict[str, Any]) -> dict[str, Any]:
    """A queue that gets what a topic is told."""
    subscription = {
        "TopicArn": {"Ref": "T"},
        "Protocol": "sqs",
        "Endpoint": {"Fn::GetAtt": ["Q", "Arn"]},
        **properties,
    }
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q"}}
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "t"}}
    made = {"Type": "AWS::SNS::Subscription", "Properties": subscription}
    return {"resources": {"Resources": {"Q": queue, "T": topic, "S": made}}}


def test_a_subscription_says_by_its_filter_what_the_queue_gets(tmp_path: Path) -> None:
    words = {"families": ["shops", "mail"]}
    of_all = read_text(tmp_path, subscribed({"RawMessageDelivery": True}))
    filtered = {"FilterPolicyScope": "MessageAttributes", "FilterPolicy": words}
    of_some = read_text(tmp_path, subscribed(filtered))
    assert [one.filter for one in of_all.subscriptions] == [{}]
    assert [one.filter for one in of_some.subscriptions] == [{"families": ("shops", "mail")}]


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"custom": {}}, "serverless.yml.custom"),
        ({"provider": {"name": "aws", "vpc": {}}}, "provider.vpc"),
        ({"functions": {"f": {"handler": "a.b", "vpc": {}}}}, "functions.f.vpc"),
        (
            {"functions": {"f": {"handler": "a.b", "events": [{"s3": "bucket"}]}}},
            r"functions.f.events\[0\].s3",
        ),
        (
            {
                "functions": {
                    "f": {"handler": "a.b", "events": [{"schedule": "cron(0 1 ? * MON *)"}]}
                }
            },
            r"functions.f.events\[0\].schedule.rate",
        ),
        (
            {
                "functions": {
                    "f": {
                        "handler": "a.b",
                        "events": [{"sqs": {"arn": "arn:aws:sqs:x", "filterPatterns": []}}],
                    }
                }
            },
            r"functions.f.events\[0\].sqs.filterPatterns",
        ),
        (
            {"resources": {"Resources": {"T": {"Type": "AWS::DynamoDB::Table"}}}},
            "resources.Resources.T",
        ),
        (
            {
                "resources": {
                    "Resources": {
                        "Q": {
                            "Type": "AWS::SQS::Queue",
                            "Properties": {"QueueName": "q.fifo", "FifoQueue": True},
                        }
                    }
                }
            },
            "resources.Resources.Q.Properties.FifoQueue",
        ),
        (subscribed({"FilterPolicyScope": "MessageBody"}), "Properties.FilterPolicyScope"),
        (
            subscribed({"FilterPolicy": {"families": [{"exists": False}]}}),
            "Properties.FilterPolicy.families",
        ),
    ],
)
def test_what_cannot_be_honoured_is_an_error_that_names_the_place(
    tmp_path: Path, document: dict[str, Any], place: str
) -> None:
    with pytest.raises(NotUnderstood, match=place):
        read_text(tmp_path, document)
