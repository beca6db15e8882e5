"""The App Events API: one event a request, taken once, and for a meter counted.

Source: Shopify's page "Create an event" of the App Events API. What it leaves open is decided here,
and docs/shopify.md says how: the status of a refusal, and that an event which was not billed may be
sent again with its key after a day.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

AHEAD: Final = timedelta(minutes=5)
WINDOW: Final = timedelta(hours=24)
_KEY: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_GID: Final = "gid://shopify/Shop/"
_FIELDS: Final = ("shop_id", "event_handle", "timestamp", "idempotency_key")
Refusals = list[dict[str, str | None]]


class AppEvent(BaseModel):
    """An event that was taken."""

    shop: str
    handle: str
    at: datetime
    key: str
    attributes: dict[str, Any]
    received_at: datetime
    result: str = "RESULT_STATUS_SUCCESS"
    details: str = ""
    value: Decimal | None = None
    """What it adds to its meter; None for a custom event, and for one that is not billed."""


class EventLog:
    """What was taken; in a file, a line for each, so that none is lost with a process."""

    def __init__(self, directory: Path | None) -> None:
        self._file = directory / "app_events.jsonl" if directory else None
        self.events: list[AppEvent] = []
        self._by_key: dict[str, AppEvent] = {}
        if self._file and self._file.exists():
            whole, _, torn = self._file.read_bytes().rpartition(b"\n")
            for line in whole.splitlines():
                self._keep(AppEvent.model_validate_json(line))
            if torn:  # the process ended in the middle of it, so nobody was told that it was taken
                self._file.write_bytes(whole + b"\n" if whole else b"")

    def seen(self, key: str, now: datetime) -> bool:
        """Whether an event with this key is not to be taken again."""
        known = self._by_key.get(key)
        return known is not None and (known.value is not None or now - known.received_at < WINDOW)

    def add(self, event: AppEvent) -> None:
        """Takes an event."""
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as file:
                file.write(event.model_dump_json() + "\n")
        self._keep(event)

    def used(self, shop: str, since: datetime, until: datetime) -> dict[str, Decimal]:
        """What was billed by meter, of the events in that time."""
        sums: dict[str, Decimal] = {}
        for one in self.events:
            if one.shop == shop and one.value is not None and since <= one.at < until:
                sums[one.handle] = sums.get(one.handle, Decimal(0)) + one.value
        return sums

    def _keep(self, event: AppEvent) -> None:
        self.events.append(event)
        self._by_key[event.key] = event


def faults(given: dict[str, Any], now: datetime) -> Refusals:
    """What is wrong with the fields of an event, each by its name."""
    found: Refusals = []
    for name in _FIELDS:
        one = given.get(name)
        if one is None or one == "":
            found.append(_fault(name, "missing", "is missing"))
        elif not isinstance(one, str):
            found.append(_fault(name, "invalid_type", "must be a string"))
    if found:
        return found + _of_attributes(given.get("attributes"))
    at = moment_of(given["timestamp"])
    if at is None:
        found.append(_fault("timestamp", "invalid", "must be an ISO 8601 timestamp"))
    elif at > now + AHEAD:
        found.append(_fault("timestamp", "invalid", "can't be more than 5 minutes in the future"))
    if len(given["idempotency_key"]) > 64:
        found.append(_fault("idempotency_key", "invalid", "is too long (maximum is 64 characters)"))
    return found + _of_attributes(given.get("attributes"))


def moment_of(text: str) -> datetime | None:
    """The moment that the text names, if it names one with its zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


def shop_number(said: str) -> int | None:
    """The number of a shop's id, as a number or a global id."""
    number = said.removeprefix(_GID)
    return int(number) if number.isascii() and number.isdecimal() else None


def billed(attributes: dict[str, Any]) -> Decimal | None:
    """The value of a billing event, if it has one that counts."""
    value = attributes.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    exact = Decimal(str(value))
    return exact if exact.is_finite() and exact > 0 else None


def refusal(errors: Refusals) -> dict[str, Any]:
    """The body of an answer that refuses an event."""
    return {"success": False, "error": "Invalid request", "errors": errors}


def not_installed() -> Refusals:
    """Why an event of a shop without the app is refused."""
    return [_fault("shop_id", "not_installed", "the app is not installed in this shop")]


def _of_attributes(given: object) -> Refusals:
    if given is None:
        return [_fault("attributes", "missing", "is missing")]
    if not isinstance(given, dict):
        return [_fault("attributes", "invalid_type", "must be an object")]
    if len(given) > 15:
        return [_fault("attributes", "invalid", "has more than 15 keys")]
    if not all(_KEY.fullmatch(name) for name in given):
        return [_fault("attributes", "invalid", "has an invalid key")]
    if not all(isinstance(one, str | int | float | bool) for one in given.values()):
        return [_fault("attributes", "invalid", "has a value that is not scalar")]
    if any(isinstance(one, str) and len(one) > 128 for one in given.values()):
        return [_fault("attributes", "invalid", "has a string of more than 128 characters")]
    return []


def _fault(field: str | None, code: str, message: str) -> dict[str, str | None]:
    return {"field": field, "code": code, "message": message}
