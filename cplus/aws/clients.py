"""The only import of aioboto3: queues, topic, buckets and mail, with only the calls that we use."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import aioboto3
from aiobotocore.session import AioSession
from botocore.config import Config
from botocore.exceptions import ClientError, NoRegionError

from cplus.aws.topics import TopicMessage
from cplus.errors import CplusError

_BATCH = 10  # entries that SQS and SNS accept per call
_USER_AGENT = "conversations-plus"
_DELETIONS = 1_000  # versions that S3 deletes per call
# Calls of SES that are newer than the botocore which aioboto3 takes, as botocore's own extras.
_MODELS = Path(__file__).with_name("models")


REFUSALS = frozenset({"MessageRejected", "BadRequestException", "InvalidParameterValue"})
"""SES's errors for a mail that it will never accept."""


LONGEST_DELAY: Final = 900
"""Seconds that SQS can hold a message back."""


class NoRegion(CplusError):
    """No region of AWS is named: set AWS_DEFAULT_REGION. A command that has --data DIR needs none
    with it."""


class MailNotTaken(Exception):
    """SES did not accept the mail: it was certainly not sent."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.permanent = code in REFUSALS
        super().__init__(f"SES did not take the mail: {code}")


class SendQuota(NamedTuple):
    """What SES's account may send, in recipients."""

    rate: float
    """In a second."""
    daily: float
    """In 24 hours; -1 for no limit."""
    sent: float
    """In the last 24 hours."""
    enabled: bool
    """Whether it may send at all."""


class ObjectsKept(Exception):
    """S3 did not delete what it was told to."""

    def __init__(self, versions: int, code: str) -> None:
        super().__init__(f"S3 did not delete {versions} versions: {code}")


@dataclass(slots=True)
class Versions:
    """The history of one key in a versioned bucket."""

    ids: list[str] = field(default_factory=list)
    """Ids of the stored versions, oldest first."""
    markers: list[str] = field(default_factory=list)
    """Ids of the delete markers, oldest first."""


class Aws:
    """Clients of AWS, each made on first use and kept as long as the process.

    `options` are those of a client (`endpoint_url`, `region_name`, credentials); by default AWS's
    own environment variables apply.
    """

    def __init__(self, **options: str) -> None:
        session = AioSession()
        session.set_config_variable("data_path", str(_MODELS))
        self._session = aioboto3.Session(botocore_session=session)
        self._options = options
        self._clients: dict[str, Any] = {}
        self._making = asyncio.Lock()
        self._stack = AsyncExitStack()

    async def client(self, service: str, *, tries: int = 3) -> Any:
        """The client of `service`, for example "sqs", with that many attempts. Raises NoRegion."""
        # A client keeps its number of attempts: one that may try again must not send mail.
        name = f"{service} {tries}"
        if name not in self._clients:
            async with self._making:
                if name not in self._clients:
                    config = Config(
                        connect_timeout=2,
                        read_timeout=10,
                        retries={"total_max_attempts": tries, "mode": "standard"},
                        # Its own is put together anew for each call, as slowly as a signature.
                        user_agent=_USER_AGENT,
                    )
                    made = self._session.client(service, config=config, **self._options)
                    try:
                        self._clients[name] = await self._stack.enter_async_context(made)
                    except NoRegionError:
                        raise NoRegion from None
        return self._clients[name]

    async def close(self) -> None:
        """Ends all connections."""
        await self._stack.aclose()
        self._clients.clear()

    async def send(
        self, queue: str, message: Mapping[str, Any], *, group: str | None = None, delay: int = 0
    ) -> None:
        """Puts one JSON message on the queue with the URL `queue`; `delay` in seconds.

        `group` is the message group (the shop): it makes a standard queue fair between shops.
        """
        extra: dict[str, Any] = {"MessageGroupId": group} if group else {}
        sqs = await self.client("sqs")
        await sqs.send_message(
            QueueUrl=queue, MessageBody=json.dumps(message), DelaySeconds=delay, **extra
        )

    async def publish(self, topic: str, messages: Sequence[TopicMessage]) -> list[str]:
        """Publishes the messages to the topic; returns the refused groups."""
        sns = await self.client("sns")
        refused: list[str] = []
        for start in range(0, len(messages), _BATCH):
            part = messages[start : start + _BATCH]
            answer = await sns.publish_batch(
                TopicArn=topic,
                PublishBatchRequestEntries=[
                    {"Id": str(i), **message.entry()} for i, message in enumerate(part)
                ],
            )
            refused += [part[int(failed["Id"])].group for failed in answer.get("Failed", [])]
        return refused

    async def put_object(self, bucket: str, key: str, body: bytes) -> None:
        """Stores `body` under `key`."""
        s3 = await self.client("s3")
        await s3.put_object(Bucket=bucket, Key=key, Body=body)

    async def put_new_object(self, bucket: str, key: str, body: bytes) -> bool:
        """Stores `body` under `key` unless the key exists; returns whether it did."""
        s3 = await self.client("s3")
        try:
            await s3.put_object(Bucket=bucket, Key=key, Body=body, IfNoneMatch="*")
        except ClientError as error:
            # 412: it exists; 409: another process is writing it right now.
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in (409, 412):
                return False
            raise
        return True

    async def get_object(self, bucket: str, key: str, version: str | None = None) -> bytes:
        """The bytes under `key`, of the newest or the given version; raises KeyError if there are
        none."""
        async with await self._object(bucket, key, version) as stream:
            return cast(bytes, await stream.read())

    async def get_beginning(self, bucket: str, key: str, most: int) -> bytes:
        """The first bytes under `key`, at most so many; raises KeyError if there are none."""
        parts: list[bytes] = []
        body = await self._object(bucket, key)
        async with body:
            while most and (part := await body.read(most)):  # it comes in pieces of any size
                parts.append(part)
                most -= len(part)
        return b"".join(parts)

    async def _object(self, bucket: str, key: str, version: str | None = None) -> Any:
        s3 = await self.client("s3")
        which = {"VersionId": version} if version else {}
        try:
            answer = await s3.get_object(Bucket=bucket, Key=key, **which)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchVersion"):
                raise KeyError(f"{bucket}/{key}") from error
            raise
        return answer["Body"]

    async def object_size(self, bucket: str, key: str) -> int:
        """The number of bytes under `key`; raises KeyError if there are none."""
        s3 = await self.client("s3")
        try:
            answer = await s3.head_object(Bucket=bucket, Key=key)
        except s3.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                raise KeyError(f"{bucket}/{key}") from error
            raise
        return int(answer["ContentLength"])

    async def list_versions(self, bucket: str, prefix: str) -> dict[str, Versions]:
        """The history of every key that begins with `prefix`, in the order of the keys' bytes."""
        s3 = await self.client("s3")
        found: dict[str, Versions] = {}
        async for page in s3.get_paginator("list_object_versions").paginate(
            Bucket=bucket, Prefix=prefix
        ):
            # S3 lists the versions of a key from newest to oldest.
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/list-obj-version-enabled-bucket.html
            for one in page.get("Versions", []):
                found.setdefault(one["Key"], Versions()).ids.insert(0, one["VersionId"])
            for one in page.get("DeleteMarkers", []):
                found.setdefault(one["Key"], Versions()).markers.insert(0, one["VersionId"])
        return dict(sorted(found.items()))

    async def delete_versions(self, bucket: str, versions: Sequence[tuple[str, str]]) -> None:
        """Deletes versions and delete markers for good, each by its key and id; what is not there
        is none. Raises ObjectsKept if S3 refused one, once the others are deleted."""
        s3 = await self.client("s3")
        refused: list[str] = []
        for start in range(0, len(versions), _DELETIONS):
            part = versions[start : start + _DELETIONS]
            answer = await s3.delete_objects(
                Bucket=bucket,
                Delete={
                    "Objects": [{"Key": key, "VersionId": version} for key, version in part],
                    "Quiet": True,
                },
            )
            refused += [error["Code"] for error in answer.get("Errors", [])]
        if refused:
            raise ObjectsKept(len(refused), refused[0])

    async def send_quota(self) -> SendQuota:
        """What SES's account may send now. Raises whatever SES raises."""
        ses = await self.client("sesv2", tries=1)
        answer = await ses.get_account()
        quota = answer["SendQuota"]
        return SendQuota(
            float(quota["MaxSendRate"]),
            float(quota["Max24HourSend"]),
            float(quota["SentLast24Hours"]),
            bool(answer["SendingEnabled"]),
        )

    async def send_mail(
        self,
        raw: bytes,
        *,
        sender: str,
        recipients: Sequence[str],
        tags: Mapping[str, str],
        configuration_set: str,
        tenant: str | None = None,
    ) -> str:
        """Sends raw mail through SES, once; returns SES's id. With a tenant, it is that one's mail.

        Raises MailNotTaken if SES refused it. After any other error it is unknown whether the
        mail was sent, so there is no retry here: sending has no idempotency token.
        """
        ses = await self.client("sesv2", tries=1)
        try:
            answer = await ses.send_email(
                FromEmailAddress=sender,
                Destination={"ToAddresses": list(recipients)},
                Content={"Raw": {"Data": raw}},
                EmailTags=[{"Name": name, "Value": value} for name, value in tags.items()],
                ConfigurationSetName=configuration_set,
                **({"TenantName": tenant} if tenant else {}),
            )
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status >= 500:
                raise
            raise MailNotTaken(error.response["Error"]["Code"]) from error
        return str(answer["MessageId"])
