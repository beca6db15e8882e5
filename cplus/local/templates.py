"""Reads the resources of a CloudFormation template: queues, topics, subscriptions, buckets, and
aliases of a key."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cplus.errors import NotUnderstood
from cplus.local.application import BucketSpec, QueueSpec, SubscriptionSpec, TopicSpec
from cplus.local.aws import KMS_KEY
from cplus.local.buckets import read_bucket
from cplus.local.intrinsics import Names

# Resources that the local stack leaves out: it has no alarms and no permissions, and mail goes
# through the local SES.
PASSED_OVER = frozenset(
    {
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::InsightRule",
        "AWS::IAM::Role",
        "AWS::KMS::Key",
        "AWS::Logs::MetricFilter",
        "AWS::S3::BucketPolicy",
        "AWS::SES::ConfigurationSet",
        "AWS::SES::ConfigurationSetEventDestination",
        "AWS::SES::EmailIdentity",
        "AWS::SES::ReceiptRule",
        "AWS::SES::ReceiptRuleSet",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::QueuePolicy",
    }
)
# The property with a resource's name, which for most is also the value of Ref.
_NAMED_BY = {
    "AWS::KMS::Alias": "AliasName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SES::ConfigurationSet": "Name",
    "AWS::SES::EmailIdentity": "EmailIdentity",
    "AWS::SES::ReceiptRuleSet": "RuleSetName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
}


@dataclass(frozen=True)
class Resources:
    """The resources of a template, and the names by which the file refers to them."""

    names: Names
    queues: tuple[QueueSpec, ...]
    topics: tuple[TopicSpec, ...]
    subscriptions: tuple[SubscriptionSpec, ...]
    buckets: tuple[BucketSpec, ...]
    kms_aliases: tuple[str, ...]
    passed_over: Mapping[str, str]


def only(value: Mapping[str, Any], known: Collection[str], place: str) -> None:
    """Raises NotUnderstood for the first key of `value` that is not in `known`."""
    for key in value:
        if key not in known:
            raise NotUnderstood(place=f"{place}.{key}", what=f"the key {key!r}")


def read_resources(
    declared: Mapping[str, Any], names: Names, *, endpoint: str, place: str
) -> Resources:
    """Reads the `Resources` of a template; `names` has what else they may refer to.

    Ref of a queue is its URL at `endpoint`. Raises NotUnderstood for a type that is neither created
    nor left out, and for properties that the local stack does not support.
    """
    named = _name(declared, names, endpoint, place)
    queues: list[QueueSpec] = []
    topics: list[TopicSpec] = []
    subscriptions: list[SubscriptionSpec] = []
    buckets: list[BucketSpec] = []
    aliases: list[str] = []
    passed_over: dict[str, str] = {}
    for key, resource in declared.items():
        kind, here = resource["Type"], f"{place}.{key}.Properties"
        if kind in PASSED_OVER or _tells_a_person(resource):
            passed_over[key] = kind
            continue
        if kind == "AWS::KMS::Alias":
            aliases.append(named.refs[key])
            continue
        properties = named.resolve(resource.get("Properties") or {}, here)
        if kind == "AWS::SQS::Queue":
            queues.append(_queue(key, properties, named, here))
        elif kind == "AWS::SNS::Topic":
            only(properties, {"TopicName"}, here)
            topics.append(TopicSpec(properties["TopicName"], named.refs[key]))
        elif kind == "AWS::SNS::Subscription":
            subscriptions.append(_subscription(properties, here))
        else:
            buckets.append(read_bucket(properties, here))
    return Resources(
        named,
        tuple(queues),
        tuple(topics),
        tuple(subscriptions),
        tuple(buckets),
        tuple(aliases),
        passed_over,
    )


def _name(declared: Mapping[str, Any], names: Names, endpoint: str, place: str) -> Names:
    refs, attributes = dict(names.refs), dict(names.attributes)
    for key, resource in declared.items():
        kind = resource.get("Type")
        if kind == "AWS::KMS::Key":
            attributes[f"{key}.Arn"] = f"arn:aws:kms:{names.region}:{names.account}:key/{KMS_KEY}"
        if kind not in _NAMED_BY:
            if kind not in PASSED_OVER and kind != "AWS::SNS::Subscription":
                raise NotUnderstood(place=f"{place}.{key}", what=f"a resource of type {kind!r}")
            continue
        here = f"{place}.{key}.Properties.{_NAMED_BY[kind]}"
        declared_name = (resource.get("Properties") or {}).get(_NAMED_BY[kind])
        name = names.resolve(declared_name, here)
        if not isinstance(name, str):
            raise NotUnderstood(place=here, what="a resource without a name of its own")
        refs[key] = name
        if kind == "AWS::S3::Bucket":
            attributes[f"{key}.Arn"] = f"arn:aws:s3:::{name}"
        elif kind == "AWS::SNS::Topic":
            refs[key] = f"arn:aws:sns:{names.region}:{names.account}:{name}"
            attributes[f"{key}.TopicName"] = name
        elif kind == "AWS::SQS::Queue":
            refs[key] = f"{endpoint}/{names.account}/{name}"
            attributes[f"{key}.Arn"] = f"arn:aws:sqs:{names.region}:{names.account}:{name}"
            attributes[f"{key}.QueueName"] = name
            attributes[f"{key}.QueueUrl"] = refs[key]
    return replace(names, refs=refs, attributes=attributes)


def _queue(key: str, properties: Mapping[str, Any], names: Names, place: str) -> QueueSpec:
    known = {
        "QueueName",
        "VisibilityTimeout",
        "MessageRetentionPeriod",
        "SqsManagedSseEnabled",
        "RedrivePolicy",
    }
    only(properties, known, place)
    redrive = properties.get("RedrivePolicy") or {}
    only(redrive, {"deadLetterTargetArn", "maxReceiveCount"}, f"{place}.RedrivePolicy")
    dead_letter = str(redrive["deadLetterTargetArn"]).rsplit(":", 1)[-1] if redrive else None
    return QueueSpec(
        name=properties["QueueName"],
        arn=names.attributes[f"{key}.Arn"],
        url=names.refs[key],
        # SQS's own defaults, if the file sets nothing.
        visibility=int(properties.get("VisibilityTimeout", 30)),
        retention=int(properties.get("MessageRetentionPeriod", 345600)),
        dead_letter=dead_letter,
        max_receive_count=int(redrive["maxReceiveCount"]) if redrive else None,
    )


def _tells_a_person(resource: Mapping[str, Any]) -> bool:
    properties = resource.get("Properties") or {}
    return resource["Type"] == "AWS::SNS::Subscription" and properties.get("Protocol") == "email"


def _subscription(properties: Mapping[str, Any], place: str) -> SubscriptionSpec:
    filters = {"FilterPolicy", "FilterPolicyScope"}
    only(properties, {"TopicArn", "Protocol", "Endpoint", "RawMessageDelivery", *filters}, place)
    if properties.get("Protocol") != "sqs":
        raise NotUnderstood(place=f"{place}.Protocol", what=f"{properties.get('Protocol')!r}")
    return SubscriptionSpec(
        properties["TopicArn"],
        properties["Endpoint"],
        raw=bool(properties.get("RawMessageDelivery", False)),
        filter=_filter(properties, place),
    )


def _filter(properties: Mapping[str, Any], place: str) -> dict[str, tuple[str, ...]]:
    scope = properties.get("FilterPolicyScope", "MessageAttributes")
    if scope != "MessageAttributes":
        raise NotUnderstood(place=f"{place}.FilterPolicyScope", what=f"{scope!r}")
    found = {}
    for name, words in properties.get("FilterPolicy", {}).items():
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise NotUnderstood(place=f"{place}.FilterPolicy.{name}", what=f"{words!r}")
        found[name] = tuple(words)
    return found
