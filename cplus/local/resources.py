"""Creates the resources of serverless.yml and the foundation on the local AWS endpoint.

Repeatable: existing resources are kept, and different settings are updated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from cplus.local.application import Application, BucketSpec, QueueSpec
from cplus.local.aws import KMS_KEY, client

_THERE = {
    "AlreadyExistsException",
    "BucketAlreadyExists",
    "BucketAlreadyOwnedByYou",
    "ConfigurationSetAlreadyExists",
    "ConfigurationSetAlreadyExistsException",
    "QueueAlreadyExists",
    "QueueNameExists",
}
_EVENTS = ["SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "REJECT", "DELIVERY_DELAY"]


def create(application: Application, endpoint: str, mail_domain: str) -> None:
    """Creates queues, topics, subscriptions, buckets, names of the key and the mail identity; calls
    are blocking."""
    by_arn = {queue.arn: queue for queue in application.queues}
    # Dead-letter queues first: the others refer to them.
    for queue in sorted(application.queues, key=lambda queue: queue.dead_letter is not None):
        _queue(client("sqs", endpoint), queue, application)
    sns = client("sns", endpoint)
    for topic in application.topics:
        sns.create_topic(Name=topic.name)
    for subscription in application.subscriptions:
        assert subscription.queue_arn in by_arn  # noqa: S101 - the reader has checked it
        made = sns.subscribe(
            TopicArn=subscription.topic_arn,
            Protocol="sqs",
            Endpoint=subscription.queue_arn,
            Attributes={"RawMessageDelivery": "true" if subscription.raw else "false"},
        )
        # By itself: subscribing again leaves the filter as it was.
        sns.set_subscription_attributes(
            SubscriptionArn=made["SubscriptionArn"],
            AttributeName="FilterPolicy",
            AttributeValue=json.dumps({name: list(w) for name, w in subscription.filter.items()}),
        )
    for bucket in application.buckets:
        _bucket(client("s3", endpoint), bucket)
    for alias in application.kms_aliases:
        kms = client("kms", endpoint)
        _unless_there(kms.create_alias, AliasName=alias, TargetKeyId=KMS_KEY)
    _mail(application, endpoint, mail_domain)


def short_names(
    application: Application,
) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Queues by short name with their URLs, buckets by short name, and topics by short name with
    their ARNs: "mail", "webhooks-dead"."""
    prefix = f"cplus-{application.stage}-"
    queues = {queue.name.removeprefix(prefix): queue.url for queue in application.queues}
    buckets = {
        bucket.name.removeprefix(prefix).removesuffix(f"-{application.account}"): bucket.name
        for bucket in application.buckets
    }
    topics = {topic.name.removeprefix(prefix): topic.arn for topic in application.topics}
    return queues, buckets, topics


def exported(application: Application, name: str) -> str:
    """The foundation's export `name` of this stage, for example "mail-topic"."""
    return application.exports[f"cplus-{application.stage}-{name}"]


def _queue(sqs: Any, queue: QueueSpec, application: Application) -> None:
    attributes = {
        "VisibilityTimeout": str(queue.visibility),
        "MessageRetentionPeriod": str(queue.retention),
    }
    if queue.dead_letter is not None:
        redrive = {
            "deadLetterTargetArn": application.queue(queue.dead_letter).arn,
            "maxReceiveCount": queue.max_receive_count,
        }
        attributes["RedrivePolicy"] = json.dumps(redrive)
    if not _unless_there(sqs.create_queue, QueueName=queue.name, Attributes=attributes):
        sqs.set_queue_attributes(QueueUrl=queue.url, Attributes=attributes)


def _bucket(s3: Any, bucket: BucketSpec) -> None:
    _unless_there(s3.create_bucket, Bucket=bucket.name)
    state = "Enabled" if bucket.versioned else "Suspended"
    s3.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": state})
    if bucket.rules:
        s3.put_bucket_lifecycle_configuration(
            Bucket=bucket.name, LifecycleConfiguration={"Rules": list(bucket.rules)}
        )
    else:
        s3.delete_bucket_lifecycle(Bucket=bucket.name)


def _mail(application: Application, endpoint: str, mail_domain: str) -> None:
    ses = client("sesv2", endpoint)
    name = exported(application, "configuration-set")
    topic = exported(application, "mail-events-topic")
    _unless_there(ses.create_email_identity, EmailIdentity=mail_domain)
    _unless_there(ses.create_configuration_set, ConfigurationSetName=name)
    destination: Mapping[str, Any] = {
        "Enabled": True,
        "MatchingEventTypes": _EVENTS,
        "SnsDestination": {"TopicArn": topic},
    }
    _unless_there(
        ses.create_configuration_set_event_destination,
        ConfigurationSetName=name,
        EventDestinationName="mail-events",
        EventDestination=destination,
    )


def _unless_there(make: Any, **arguments: Any) -> bool:
    """Whether it was created; False if it existed."""
    try:
        make(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _THERE:
            raise
        return False
    return True
