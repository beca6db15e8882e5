"""Keeps every mail that the app sent on disk, for people and programs to read."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cplus.local.aws.email.letters import header_values, parsed, text_of
from cplus.local.aws.email.mail_events import Sent

Kept = dict[str, Any]


class Mailbox:
    """The folder `mailbox`: for each mail `ID.eml`, and `ID.json`, which means that it is complete.

    `entries` has a dict per mail, oldest first: message_id, header_id (the Message-ID
    header), source, recipients, tags, configuration_set, time (seconds since 1970, UTC), events,
    from, to, subject, in_reply_to, references, text, html.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        found = [json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")]
        self.entries: list[Kept] = sorted(found, key=lambda entry: entry["time"])

    def keep(self, sent: Sent, events: Sequence[str]) -> None:
        """Saves the mail; `events` is its delivery status."""
        text, html = text_of(parsed(sent.raw))

        def first(name: str) -> str:
            return next(iter(header_values(sent.raw, name)), "")

        entry: Kept = {
            "message_id": sent.message_id,
            "header_id": sent.header_id,
            "source": sent.source,
            "recipients": list(sent.recipients),
            "tags": dict(sent.tags),
            "configuration_set": sent.configuration_set,
            "time": sent.time,
            "events": list(events),
            "from": first("from"),
            "to": first("to"),
            "subject": first("subject"),
            "in_reply_to": first("in-reply-to"),
            "references": first("references"),
            "text": text,
            "html": html,
        }
        self._write(f"{sent.message_id}.eml", sent.raw)
        self._write(f"{sent.message_id}.json", json.dumps(entry, indent=1).encode())
        self.entries.append(entry)

    def find(self, *, to: str = "") -> list[Kept]:
        """The mails to `to`, or all; oldest first."""
        wanted = to.lower()
        return [
            entry
            for entry in self.entries
            if not wanted or wanted in (recipient.lower() for recipient in entry["recipients"])
        ]

    def get(self, message_id: str) -> Kept | None:
        """The mail with this SES id."""
        return next((e for e in self.entries if e["message_id"] == message_id), None)

    def raw(self, entry: Kept) -> bytes:
        """The bytes of one of `entries`."""
        return (self._folder / f"{entry['message_id']}.eml").read_bytes()

    def _write(self, name: str, content: bytes) -> None:
        part = self._folder / f"{name}.part"
        part.write_bytes(content)
        os.replace(part, self._folder / name)  # noqa: PTH105 - says that it is the atomic one
