"""Keeps dead letters on disk, so that they survive a stop or a kill of the emulator.

Each is one file, `dead-letters/<queue>/<message id>.json`, written before the response of the call
that made it a dead letter, and restored when its queue is created again.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cplus.local.aws import moto_adapter
from cplus.local.aws.moto_adapter import Message, Queue


class DeadLetters:
    """The messages of each queue that is another one's dead-letter queue."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._unmade = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        self._kept: dict[str, set[str]] = {}  # by queue, the ids that are on disk

    def follow(self) -> None:
        """Updates the files to the current content of the queues."""
        found = moto_adapter.queues()
        for name in self._unmade & found.keys():
            self._restore(found[name])
        for name in self._kept.keys() - found.keys():  # the queue was deleted with its content
            self._keep(name, {})
            self._kept.pop(name)
        for name in (moto_adapter.dead_letter_queues() | self._kept.keys()) & found.keys():
            # No call both takes from such a queue and adds to it.
            if len(found[name].messages()) != len(self._kept.get(name, ())):
                self._keep(name, {message.id: message for message in found[name].messages()})

    def counts(self) -> dict[str, int]:
        """The number of dead letters per queue that has any."""
        return {name: len(ids) for name, ids in sorted(self._kept.items()) if ids}

    def others(self) -> dict[str, int]:
        """The number of messages per queue that is only in memory."""
        found = moto_adapter.queues()
        return {name: len(one.messages()) for name, one in found.items() if name not in self._kept}

    def _restore(self, queue: Queue) -> None:
        self._unmade.discard(queue.name)
        ids = self._kept.setdefault(queue.name, set())
        files = sorted((self._folder / queue.name).glob("*.json"))
        stored = [json.loads(path.read_text("utf-8"), object_hook=_decoded) for path in files]
        queue.put_back(sorted(stored, key=lambda one: int(one["sent_timestamp"])))
        ids.update(one["id"] for one in stored)

    def _keep(self, name: str, messages: Mapping[str, Message]) -> None:
        kept = self._kept.setdefault(name, set())
        folder = self._folder / name
        for gone in kept - messages.keys():
            (folder / f"{gone}.json").unlink(missing_ok=True)
        for new in messages.keys() - kept:
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder / f"{new}.json", messages[new])
        self._kept[name] = set(messages)


def _write(path: Path, message: Message) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(moto_adapter.stored_fields(message), default=_coded), "utf-8")
    os.replace(part, path)  # noqa: PTH105 - says that it is the atomic one


def _coded(value: Any) -> dict[str, str]:
    """The bytes of a binary message attribute, encoded for JSON."""
    return {"base64": base64.b64encode(value).decode()}


def _decoded(value: dict[str, Any]) -> Any:
    return base64.b64decode(value["base64"]) if value.keys() == {"base64"} else value
