"""Whom the body of a cause names. Pure.

A body holds more than what its events are made of: what could not be read, and what was left out on
purpose. Whoever stands there must be able to have it erased.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from cplus.events.base import NewEvent
from cplus.shopify.values import MAX_INT64

_BETWEEN: Final = re.compile(r"[\s<>()\[\],;:\"\\/?&=]+")
"""What stands between an address and other text."""
_LONGEST: Final = 320  # letters of an address
_CUSTOMER: Final = "defaultEmailAddress"
"""Of all objects that are asked for, customers alone have it."""


class Mentions(NamedTuple):
    """Who is named in a body."""

    addresses: frozenset[str]
    """In lower case."""
    shopify_ids: frozenset[int]
    """Of customers."""

    def besides(self, events: Iterable[NewEvent]) -> Mentions:
        """Those who are not named by what the events say of their own persons."""
        named = [new.event for new in events if new.event.persons()]
        told = {str(getattr(event, "email", None)).strip().lower() for event in named}
        ids = {getattr(event, "shopify_customer_id", None) for event in named}
        return Mentions(self.addresses - told, self.shopify_ids - ids)


class Named(NamedTuple):
    """What the directory of persons says of mentions."""

    persons: tuple[str, ...]
    """Who is known, or was erased."""
    strangers: bool
    """Whether somebody is named whom it does not know."""


def mentions(body: bytes) -> Mentions:
    """Who is named in a body: JSON, a line of it each, or any text."""
    addresses, ids = set[str](), set[int]()
    for value in _values(body):
        if isinstance(value, str):
            addresses.update(_addresses(value))
        else:
            ids.update(_customers(value))
    return Mentions(frozenset(addresses), frozenset(ids))


def _values(body: bytes) -> Iterator[str | dict[str, Any]]:
    """Every text and every object in the body."""
    left = _parsed(body)
    while left:
        value = left.pop()
        if isinstance(value, dict):
            yield value
            left += value.values()
        elif isinstance(value, list):
            left += value
        elif isinstance(value, str):
            yield value


def _parsed(body: bytes) -> list[Any]:
    try:
        return [json.loads(body)]
    except (ValueError, RecursionError):
        return [_line(line) for line in body.splitlines()]


def _line(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return line.decode(errors="replace")


def _addresses(text: str) -> Iterator[str]:
    if "@" not in text:
        return
    for part in _BETWEEN.split(text):
        found = part.strip(".'").lower()
        local, _, domain = found.rpartition("@")
        if local and domain and len(found) <= _LONGEST:
            yield found


def _customers(value: dict[str, Any]) -> Iterator[int]:
    """The ids by which an object names customers."""
    told = [value.get("customer_id")]
    buyer = value.get("customer")
    if isinstance(buyer, dict):
        told += [buyer.get("id"), buyer.get("legacyResourceId")]
    if _CUSTOMER in value:
        told.append(value.get("legacyResourceId"))
    for one in told:
        number = int(one) if isinstance(one, str) and one.isdecimal() and len(one) < 20 else one
        if type(number) is int and 0 < number <= MAX_INT64:
            yield number
