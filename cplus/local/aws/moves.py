"""Redrive: moves dead letters back to their queue, or to another.

moto does not support these calls. On AWS a task runs for a while; here it is complete when the call
returns. Rules:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListMessageMoveTasks.html
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections import defaultdict
from typing import Final

from cplus.local.aws import moto_adapter
from cplus.local.aws.moto_adapter import CAME_FROM, Queue
from cplus.local.aws.sqs import Json

_FASTEST = 500  # messages a second
_LISTED = 10  # maximum number of tasks in a list


class MoveRefused(Exception):
    """The call is invalid, with AWS's error code."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


class Moves:
    """The tasks so far, by source queue."""

    ACTIONS: Final = frozenset({"StartMessageMoveTask", "ListMessageMoveTasks"})

    def __init__(self) -> None:
        self._tasks: defaultdict[str, list[Json]] = defaultdict(list)

    def answer(self, action: str, request: Json) -> Json:
        """Answers one call in the JSON protocol; raises MoveRefused."""
        source = _queue(request.get("SourceArn"))
        if action == "StartMessageMoveTask":
            return self._start(source, request)
        most = request.get("MaxResults", 1)
        if not isinstance(most, int) or not 1 <= most <= _LISTED:
            raise MoveRefused("InvalidParameterValue", f"MaxResults is 1 to {_LISTED}.")
        newest = reversed(self._tasks[source.arn][-most:])
        return {"Results": list(newest)}

    def _start(self, source: Queue, request: Json) -> Json:
        if source.name not in moto_adapter.dead_letter_queues():
            why = "Source queue must be configured as a Dead Letter Queue."
            raise MoveRefused("InvalidParameterValue", why)
        given = request.get("DestinationArn")
        destination = None if given is None else _queue(given)
        if destination == source:
            raise MoveRefused("InvalidParameterValue", "Source and destination are one queue.")
        fastest = request.get("MaxNumberOfMessagesPerSecond")
        if fastest is not None and not (isinstance(fastest, int) and 1 <= fastest <= _FASTEST):
            why = f"MaxNumberOfMessagesPerSecond is 1 to {_FASTEST}."
            raise MoveRefused("InvalidParameterValue", why)
        task = {
            "SourceArn": source.arn,
            "StartedTimestamp": int(time.time() * 1000),
            **({"DestinationArn": given} if given else {}),
            **({"MaxNumberOfMessagesPerSecond": fastest} if fastest else {}),
            **_move(source, destination),
        }
        self._tasks[source.arn].append(task)
        handle = json.dumps({"taskId": str(uuid.uuid4()), "sourceArn": source.arn})
        return {"TaskHandle": base64.b64encode(handle.encode()).decode()}


def _move(source: Queue, destination: Queue | None) -> Json:
    """Moves the visible messages; a moved message is a new one with its own id."""
    by_arn = {queue.arn: queue for queue in moto_adapter.queues().values()}
    wanted = list(source.visible())
    moved = []
    for message in wanted:
        to = destination or by_arn.get(message.system_attributes.get(CAME_FROM, ""))
        if to is None:  # it was sent there directly, or its queue is gone
            continue
        system = {k: v for k, v in message.system_attributes.items() if k != CAME_FROM}
        to.put(
            message.body,
            group=message.group_id,
            attributes=message.message_attributes,
            system_attributes=system,
        )
        moved.append(message)
    source.remove(moved)
    outcome: Json = {
        "Status": "COMPLETED" if len(moved) == len(wanted) else "FAILED",
        "ApproximateNumberOfMessagesMoved": len(moved),
        "ApproximateNumberOfMessagesToMove": len(wanted),
    }
    if len(moved) < len(wanted):
        outcome["FailureReason"] = "CouldNotDetermineMessageSource"
    return outcome


def _queue(arn: object) -> Queue:
    for queue in moto_adapter.queues().values():
        if queue.arn == arn:
            return queue
    why = "The resource that you specified for the SourceArn or DestinationArn doesn't exist."
    raise MoveRefused("ResourceNotFoundException", why)
