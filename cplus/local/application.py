"""The content of serverless.yml and the foundation, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Route:
    """An HTTP route: `key` is "METHOD /path" or "$default", as in API Gateway."""

    key: str


@dataclass(frozen=True)
class EventSource:
    """A queue that a function reads; `batching_window` in seconds.

    A message that the function reported as failed comes back `retry_after` seconds later; None:
    when its visibility ends, as on AWS.
    """

    queue: str
    queue_arn: str
    batch_size: int
    batching_window: float
    maximum_concurrency: int | None
    partial_failures: bool
    retry_after: int | None = None


@dataclass(frozen=True)
class Schedule:
    """A function that runs every `period` seconds, with `input` as its event if it is given."""

    rate: str
    period: float
    input: Mapping[str, Any] | None
    at: time | None = None
    """When it runs each day (UTC); if None, it first runs one period after the start."""

    def after(self, moment: datetime) -> datetime:
        """When it runs first after a moment in UTC."""
        if self.at is None:
            return moment + timedelta(seconds=self.period)
        today = datetime.combine(moment.date(), self.at, moment.tzinfo)
        return today if today > moment else today + timedelta(days=1)


@dataclass(frozen=True)
class FunctionSpec:
    """A function; `timeout` in seconds, `memory` in MB, `lambda_name` its name on AWS."""

    name: str
    lambda_name: str
    handler: str
    timeout: float
    memory: int
    environment: Mapping[str, str]
    routes: tuple[Route, ...] = ()
    event_sources: tuple[EventSource, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    reserved_concurrency: int | None = None


@dataclass(frozen=True)
class QueueSpec:
    """A queue; `visibility` and `retention` in seconds, `dead_letter` the other queue's name."""

    name: str
    arn: str
    url: str
    visibility: int
    retention: int
    dead_letter: str | None
    max_receive_count: int | None


@dataclass(frozen=True)
class TopicSpec:
    """A topic."""

    name: str
    arn: str


@dataclass(frozen=True)
class SubscriptionSpec:
    """A queue that gets what a topic is told; `raw` without SNS's envelope.

    With a filter, only messages that have each of its attributes with one of the words.
    """

    topic_arn: str
    queue_arn: str
    raw: bool
    filter: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class BucketSpec:
    """A bucket, with the rules by which S3 ends what is in it, as its API takes them.

    The local S3 keeps the rules, and ends nothing by them.
    """

    name: str
    versioned: bool
    rules: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Application:
    """The whole application, as far as it runs on one machine.

    `exports` has the foundation's exports by name, `passed_over` the logical ids of the resources
    that are not created here, with their type. `kms_aliases` are names of the one key of KMS.
    `root` is the folder of serverless.yml, where functions start.
    """

    service: str
    stage: str
    account: str
    region: str
    root: Path
    functions: Mapping[str, FunctionSpec]
    queues: tuple[QueueSpec, ...]
    topics: tuple[TopicSpec, ...]
    subscriptions: tuple[SubscriptionSpec, ...]
    buckets: tuple[BucketSpec, ...]
    kms_aliases: tuple[str, ...]
    exports: Mapping[str, str]
    passed_over: Mapping[str, str]

    def queue(self, name: str) -> QueueSpec:
        """The queue of that name; raises KeyError."""
        for queue in self.queues:
            if queue.name == name:
                return queue
        raise KeyError(name)
