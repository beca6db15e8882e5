"""What the tests of the Lambda runner share: AWS on moto, and runners on a folder of handlers."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from cplus.errors import FunctionError
from cplus.local.application import Application, EventSource, FunctionSpec, QueueSpec
from cplus.local.lambdas import Runner

HERE = Path(__file__).parent
ACCOUNT, REGION = "123456789012", "us-east-1"


@dataclass
class Aws:
    """A moto server of our own, and SQS on it."""

    endpoint: str
    sqs: Any

    def queue(self, visibility: int = 1, most: int = 100) -> tuple[QueueSpec, str]:
        """A queue with a dead-letter queue; returns it and the dead-letter queue's URL."""
        name = f"q-{uuid.uuid4().hex[:12]}"
        dead = self.sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
        redrive = {"deadLetterTargetArn": f"{arn}-dead", "maxReceiveCount": most}
        attributes = {
            "VisibilityTimeout": str(visibility),
            "RedrivePolicy": json.dumps(redrive),
        }
        url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return QueueSpec(name, arn, url, visibility, 3600, f"{name}-dead", most), dead

    def send(self, queue: QueueSpec, *bodies: str) -> None:
        for i in range(0, len(bodies), 10):
            entries = [{"Id": str(n), "MessageBody": b} for n, b in enumerate(bodies[i : i + 10])]
            self.sqs.send_message_batch(QueueUrl=queue.url, Entries=entries)


@dataclass
class Bench:
    """Starts runners on a folder of handlers, and reads what the handlers noted."""

    root: Path
    endpoint: str
    runners: list[Runner] = field(default_factory=list)

    async def run(
        self, *functions: FunctionSpec, queues: tuple[QueueSpec, ...] = (), **options: Any
    ) -> Runner:
        application = Application(
            service="try",
            stage="local",
            account=ACCOUNT,
            region=REGION,
            root=self.root / "empty",
            functions={spec.name: spec for spec in functions},
            queues=queues,
            topics=(),
            subscriptions=(),
            buckets=(),
            exports={},
            kms_aliases=(),
            passed_over={},
        )
        environment = {
            "PYTHONPATH": f"{self.root}:{HERE}",
            "JOURNAL": str(self.root / "journal"),
            "OVER": "ours",
        }
        runner = Runner(
            application,
            environment=environment,
            endpoint=self.endpoint,
            data=self.root / "data",
            **options,
        )
        self.runners.append(runner)
        await runner.start()
        return runner

    def notes(self) -> list[dict[str, Any]]:
        path = self.root / "journal"
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        # A long line takes several writes: the last may be half there.
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def handled(self) -> list[tuple[str, int]]:
        """(body, receive count) of each message that a handler got, in order."""
        return [(note["body"], note["count"]) for note in self.notes() if "body" in note]


def function(name: str = "work", **options: Any) -> FunctionSpec:
    values: dict[str, Any] = {
        "handler": f"handlers.{name}",
        "timeout": 5.0,
        "memory": 128,
        "environment": {},
        **options,
    }
    return FunctionSpec(name, f"try-local-{name}", **values)


def reads(queue: QueueSpec, *, concurrency: int | None = None, **options: Any) -> FunctionSpec:
    """The function `batch`, reading a queue."""
    source = EventSource(queue.name, queue.arn, 10, 0.0, concurrency, partial_failures=True)
    of_source = {
        key: options.pop(key)
        for key in ("batch_size", "batching_window", "retry_after") & options.keys()
    }
    return function("batch", event_sources=(replace(source, **of_source),), **options)


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def eventually(holds: Callable[[], bool], timeout: float = 60.0) -> None:
    deadline = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        await asyncio.sleep(0.02)


async def fails(kind: type[FunctionError], call: Awaitable[Any]) -> FunctionError:
    with pytest.raises(kind) as caught:
        await call
    assert type(caught.value) is kind
    return caught.value
