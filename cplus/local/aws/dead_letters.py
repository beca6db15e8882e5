"""Dead letters on disk: a stop or a kill of the emulator must not take what nobody has looked at.

Each is one file, `dead-letters/<queue>/<message id>.json`, written before the answer goes out of
the call that found the message dead, and put back when its queue is made again.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from moto.sqs.models import Message

from cplus.local.aws import sqs


class DeadLetters:
    """The messages of each queue that another one names as its dead-letter queue."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._unmade = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        self._kept: dict[str, set[str]] = {}  # by queue, the ids that are on disk

    def follow(self) -> None:
        """Brings the files to what the queues hold now."""
        found = sqs.queues()
        for name in self._unmade & found.keys():
            self._restore(found[name])
        for name in self._kept.keys() - found.keys():  # the queue was deleted, with all in it
            self._keep(name, {})
            self._kept.pop(name)
        for name in (sqs.dead_letter_queues() | self._kept.keys()) & found.keys():
            messages = found[name]._messages  # noqa: SLF001
            # No call both takes from such a queue and adds to it.
            if len(messages) != len(self._kept.get(name, ())):
                self._keep(name, {message.id: message for message in messages})

    def counts(self) -> dict[str, int]:
        """How many dead letters each queue holds, where there are any."""
        return {name: len(ids) for name, ids in sorted(self._kept.items()) if ids}

    def others(self) -> dict[str, int]:
        """How many messages each queue holds that lives in memory alone."""
        return {name: n for name, n in sqs.depths().items() if name not in self._kept}

    def _restore(self, queue: sqs.Queue) -> None:
        self._unmade.discard(queue.name)
        ids = self._kept.setdefault(queue.name, set())
        files = sorted((self._folder / queue.name).glob("*.json"))
        messages: list[Any] = [_load(path) for path in files]
        queue._messages += sorted(messages, key=lambda one: one.sent_timestamp)  # noqa: SLF001
        ids.update(message.id for message in messages)

    def _keep(self, name: str, messages: Mapping[str, Message]) -> None:
        kept = self._kept.setdefault(name, set())
        folder = self._folder / name
        for gone in kept - messages.keys():
            (folder / f"{gone}.json").unlink(missing_ok=True)
        for new in messages.keys() - kept:
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder / f"{new}.json", messages[new])
        self._kept[name] = set(messages)


_FIELDS = (
    "id",
    "body",
    "message_attributes",
    "system_attributes",
    "group_id",
    "sent_timestamp",
    "approximate_receive_count",
    "approximate_first_receive_timestamp",
)


def _write(path: Path, message: Message) -> None:
    content = {name: getattr(message, name) for name in _FIELDS}
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, default=_coded), "utf-8")
    os.replace(part, path)  # noqa: PTH105 - says that it is the atomic one


def _load(path: Path) -> Message:
    content = json.loads(path.read_text("utf-8"), object_hook=_decoded)
    message = Message(content["id"], content["body"])
    for name in _FIELDS:
        setattr(message, name, content[name])
    return message


def _coded(value: Any) -> dict[str, str]:
    """The bytes of a binary message attribute, as JSON can hold them."""
    return {"base64": base64.b64encode(value).decode()}


def _decoded(value: dict[str, Any]) -> Any:
    return base64.b64decode(value["base64"]) if value.keys() == {"base64"} else value
