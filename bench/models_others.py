"""The same conversations through the projection runner of `eventsourcing`, on SQLite."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.projection import Projection, ProjectionRunner
from eventsourcing.sqlite import SQLiteTrackingRecorder

from bench.models_log import EACH, TEXT


class Talk(Aggregate):
    """A conversation, with the six events of those in bench/models_log.py."""

    @event("Started")
    def __init__(self, person: str, channel: str, subject: str) -> None:
        self.told = (person, channel, subject)

    @event("MessageReceived")
    def receive(self, message_id: str, from_name: str, from_address: str, text: str) -> None:
        """Changes nothing: what counts is the event."""

    @event("ReplyWritten")
    def reply(self, message_id: str, to_address: str, text: str) -> None:
        """Changes nothing: what counts is the event."""

    @event("MailSent")
    def sent(self, message_id: str, ses_message_id: str) -> None:
        """Changes nothing: what counts is the event."""

    @event("MailDelivered")
    def delivered(self, message_id: str) -> None:
        """Changes nothing: what counts is the event."""

    @event("Closed")
    def close(self) -> None:
        """Changes nothing: what counts is the event."""


class Rows(SQLiteTrackingRecorder):
    """Rows beside the library's tracking, in one transaction with it."""

    def construct_create_table_statements(self) -> list[str]:
        """And a table for the rows."""
        made = super().construct_create_table_statements()
        return [*made, "CREATE TABLE IF NOT EXISTS talks (id TEXT PRIMARY KEY, row TEXT)"]

    def read(self, key: str) -> dict[str, Any] | None:
        """A row."""
        with self.datastore.transaction(commit=False) as cursor:
            cursor.execute("SELECT row FROM talks WHERE id = ?", (key,))
            found = cursor.fetchone()
        return json.loads(found[0]) if found else None

    def put(self, key: str, row: dict[str, Any], tracking: Tracking) -> None:
        """A row, and how far it is."""
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute("REPLACE INTO talks VALUES (?, ?)", (key, json.dumps(row)))
            self._insert_tracking(cursor, tracking)


class Talks(Projection[Rows]):
    """A row for each conversation."""

    def __init__(self, view: Rows) -> None:
        super().__init__(view)
        self.may_begin, self.ended = threading.Event(), threading.Event()
        self.last: int | None = None

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """Folds one event, as the library has it: one transaction for each."""
        self.may_begin.wait()
        key = str(domain_event.originator_id)
        row = self.view.read(key) or {"messages": 0, "snippet": "", "open": True, "rank": 0}
        match type(domain_event).__name__:
            case "Started":
                row |= {"person": domain_event.person, "subject": domain_event.subject}
            case "MessageReceived" | "ReplyWritten" as kind:
                row["messages"] += 1
                row["snippet"] = " ".join(domain_event.text.split())[:140]
                row["waiting"] = kind == "MessageReceived"
                row["last_message_at"] = domain_event.timestamp.isoformat()
            case "MailSent" | "MailDelivered" as kind:
                row["rank"] = max(row["rank"], 1 if kind == "MailSent" else 3)
            case "Closed":
                row["open"] = False
        self.view.put(key, row, tracking)
        if tracking.notification_id == self.last:
            self.ended.set()


class Library:
    """An application of the library with a history, and its projection, which has yet to begin.

    The library's recorder on SQLite cannot be subscribed to, so the events rest in memory, which
    is faster, and the rows and the tracking on SQLite.
    """

    def __init__(self, path: Path, events: int) -> None:
        self._events = events
        env = {
            "PERSISTENCE_MODULE": "eventsourcing.popo",
            "TALKS_PERSISTENCE_MODULE": "eventsourcing.sqlite",
            "TALKS_SQLITE_DBNAME": str(path),
        }
        self._runner: Any = ProjectionRunner(
            application_class=Application, projection_class=Talks, view_class=Rows, env=env
        )
        for number in range(events // EACH):
            talk = Talk(person=f"person/{number}", channel="email", subject="A lamp")
            talk.receive(f"{number}1", "Ada Brandt", "ada@example.com", TEXT)
            talk.reply(f"{number}2", "ada@example.com", TEXT)
            talk.sent(f"{number}2", str(number))
            talk.delivered(f"{number}2")
            talk.close()
            self._runner.app.save(talk)

    async def project(self) -> int:
        """Lets the library's runner go to the end of the history; answers the events."""
        await asyncio.to_thread(self._run)
        return self._events

    def _run(self) -> None:
        talks = self._runner.projection
        talks.last = self._runner.app.recorder.max_notification_id()
        with self._runner:
            talks.may_begin.set()
            # Not the runner's own `wait`, which looks every 0.8 seconds only.
            assert talks.ended.wait(600)
