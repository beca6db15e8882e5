"""Reads the queues for their functions, like Lambda's event source mappings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError

from cplus.errors import FunctionError
from cplus.local.application import EventSource, QueueSpec
from cplus.local.lambdas.pool import Pool
from cplus.local.lambdas.records import (
    LARGEST_PAYLOAD,
    WholeBatchFailed,
    done,
    size_of,
    to_record,
)

_LONG = 20  # seconds of a long poll, SQS's maximum
_RECEIVE = 10  # messages per call, SQS's maximum
_ENVELOPE = 64  # bytes around the records
_AGAIN = 1.0  # seconds before retrying a queue that could not be read
UNREACHABLE = (BotoCoreError, ClientError, OSError)

Records = list[dict[str, Any]]


@asynccontextmanager
async def sqs_client(endpoint: str, region: str) -> AsyncIterator[Any]:
    """A client of SQS at the local endpoint, with room for a long poll of each queue."""
    config = AioConfig(
        proxies={},
        max_pool_connections=100,
        read_timeout=_LONG + 40,
        retries={"total_max_attempts": 2},
    )
    async with get_session().create_client(
        "sqs",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=config,
    ) as client:
        yield client


class Poller:
    """Reads one queue for one function.

    It receives no more batches than the function may have processes, so no message is received
    only to be throttled. A batch is collected for the configured window, or until it is full.
    While its process starts, its messages are kept hidden: on a busy machine a start may take
    longer than their visibility timeout, and they would be received again and again until they
    are dead letters. From then on they are hidden for at least half of that timeout. Failed
    messages are left: they come back when their visibility timeout ends, and the queue's redrive
    policy applies.
    """

    def __init__(
        self, source: EventSource, queue: QueueSpec, pool: Pool, client: Any, log: Any
    ) -> None:
        limit = min(source.maximum_concurrency or pool.limit, pool.limit)
        self._source = source
        self._queue = queue
        self._pool = pool
        self._client = client
        self._log: structlog.stdlib.BoundLogger = log.bind(function=pool.name, queue=source.queue)
        self._slots = asyncio.Semaphore(limit)
        self._left: Records = []
        self._batches: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Reads the queue until cancelled; running batches continue, see `finish`."""
        while True:
            await self._slots.acquire()
            records: Records = []
            try:
                records = await self._gather()
            except UNREACHABLE as error:
                self._log.warning("queue_unreachable", error=type(error).__name__)
                await asyncio.sleep(_AGAIN)
            finally:
                if not records:
                    self._slots.release()
            if records:
                batch = asyncio.create_task(self._batch(records))
                self._batches.add(batch)
                batch.add_done_callback(self._batches.discard)

    async def finish(self, timeout: float) -> None:
        """Waits for running batches, at most `timeout` seconds, then abandons the rest."""
        if self._batches:
            _, late = await asyncio.wait(self._batches, timeout=timeout)
            for batch in late:
                batch.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _gather(self) -> Records:
        source = self._source
        records, self._left = self._left, []
        size = _ENVELOPE + sum(map(size_of, records))
        loop = asyncio.get_running_loop()
        ends: float | None = loop.time() + source.batching_window if records else None
        while len(records) < source.batch_size:
            remaining = 0.0 if ends is None else ends - loop.time()
            if ends is not None and remaining <= 0 and source.batching_window:
                break
            # SQS waits whole seconds; a poll that is cut short could lose messages.
            wait = _LONG if ends is None else int(remaining + 0.5)
            got = await self._receive(min(_RECEIVE, source.batch_size - len(records)), wait)
            if not got:
                break
            for i, record in enumerate(got):
                size += size_of(record)
                if size > LARGEST_PAYLOAD and records:
                    self._left = got[i:]
                    return records
                records.append(record)
            if not source.batching_window:
                break
            ends = ends or loop.time() + source.batching_window
        return records

    async def _receive(self, most: int, wait: int) -> Records:
        answer = await self._client.receive_message(
            QueueUrl=self._queue.url,
            MaxNumberOfMessages=most,
            WaitTimeSeconds=wait,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return [to_record(message, self._source) for message in answer.get("Messages") or []]

    async def _batch(self, records: Records) -> None:
        try:
            await self._delete(await self._work(records))
        except UNREACHABLE as error:
            self._log.warning("queue_unreachable", error=type(error).__name__)
        finally:
            self._slots.release()

    async def _work(self, records: Records) -> Sequence[Any]:
        payload = json.dumps({"Records": records}).encode()
        hiding = asyncio.create_task(self._keep_hidden(records))
        try:
            answer = await self._pool.run(payload, len(records), wait=None, handed=hiding.cancel)
            if not self._source.partial_failures:
                return records
            handled = done(records, answer)
            await self._bring_back(records, handled)
            return handled
        except FunctionError as error:
            self._log.warning(
                "batch_failed", records=len(records), error=error.values["error_type"]
            )
        except WholeBatchFailed as error:
            self._log.warning("batch_failed", records=len(records), error=str(error))
        finally:
            hiding.cancel()
        return []

    async def _keep_hidden(self, records: Records) -> None:
        while True:
            await asyncio.sleep(self._queue.visibility / 2)
            try:
                await self._hide(records, self._queue.visibility)
            except UNREACHABLE as error:
                self._log.warning("queue_unreachable", error=type(error).__name__)

    async def _bring_back(self, records: Records, handled: Sequence[Any]) -> None:
        """Makes those that failed visible sooner than their visibility ends, if it should be so."""
        if self._source.retry_after is not None:
            kept = {record["messageId"] for record in handled}
            failed = [record for record in records if record["messageId"] not in kept]
            await self._hide(failed, self._source.retry_after)

    async def _hide(self, records: Sequence[Any], seconds: int) -> None:
        for entries in _entries(records):
            for entry in entries:
                entry["VisibilityTimeout"] = seconds
            await self._client.change_message_visibility_batch(
                QueueUrl=self._queue.url, Entries=entries
            )

    async def _delete(self, records: Sequence[Any]) -> None:
        for entries in _entries(records):
            answer = await self._client.delete_message_batch(
                QueueUrl=self._queue.url, Entries=entries
            )
            if answer.get("Failed"):
                self._log.warning("messages_not_deleted", messages=len(answer["Failed"]))


def _entries(records: Sequence[Any]) -> Iterator[list[dict[str, Any]]]:
    """The records as a call for several messages names them, as many as one call takes."""
    for i in range(0, len(records), _RECEIVE):
        yield [
            {"Id": str(n), "ReceiptHandle": record["receiptHandle"]}
            for n, record in enumerate(records[i : i + _RECEIVE])
        ]


async def depth(client: Any, queue: QueueSpec) -> int:
    """Unfinished messages of a queue: visible, in flight and delayed."""
    names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    answer = await client.get_queue_attributes(QueueUrl=queue.url, AttributeNames=names)
    return sum(int(answer["Attributes"].get(name, 0)) for name in names)
