"""Which customers are meant: what a list of them is narrowed to, and what a segment keeps.

A definition is data, so that whoever reads it later (a list, an export, an audience) means the same
persons. It is stored as JSON with its own version, apart from that of the event that holds it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal, Self, get_args

from cplus.errors import InvalidInput
from cplus.wording import worded

CustomerKind = Literal["customers", "leads", "all"]
Consent = Literal["subscribed", "not_subscribed", "pending", "unsubscribed", "unknown"]
"""Shopify's marketing states that a list can be narrowed to; `unknown`: Shopify told none."""
Source = Literal["contact_form", "email", "merchant"]
"""How the first conversation with somebody began."""
FirstBought = Literal["after", "other"]
"""`after` a conversation, by the rule of the shop; `other`: it was placed otherwise."""

VERSION: Final = 1
"""Of the shape of a stored definition."""
_MAX_TAG: Final = 255
_MAX_NUMBER: Final = 1_000_000
_MAX_DAYS: Final = 3_650
_MAX_DIGITS: Final = 12
_ID: Final = re.compile(r"[a-z0-9]{1,64}")
_COMMA: Final = re.compile(r"[0-9]+,[0-9]{1,2}")
"""An amount as many languages write it; of `1,000` nobody knows which one that is."""


@dataclass(frozen=True, slots=True)
class Definition:
    """Which persons are meant: those for whom all of it is true. By default, everybody."""

    kind: CustomerKind = "all"
    spent_from: Decimal | None = None
    """At least so much, in the currency of the person's orders."""
    spent_to: Decimal | None = None
    """At most so much."""
    orders_from: int | None = None
    orders_to: int | None = None
    ordered_since: date | None = None
    """The last order was placed on that day of the shop or later."""
    ordered_until: date | None = None
    """It was placed on that day or before."""
    ordered_within: int | None = None
    """It was placed in the last so many days."""
    not_ordered_for: int | None = None
    """There was none in the last so many days, or never one."""
    tag: str = ""
    """A tag that the customer has in Shopify, in upper or lower case."""
    own_tag: str = ""
    """The id of a tag that the shop put on the person."""
    consent: Consent | None = None
    talked: bool | None = None
    """Whether there was a conversation with them."""
    source: Source | None = None
    """How they came: by which kind of first conversation."""
    first_order: FirstBought | None = None
    """Whether their first order came after a conversation."""
    known_since: date | None = None
    """Customer since that day or later; of a lead, the day of their first message."""
    known_until: date | None = None
    """Since that day or before."""

    @classmethod
    def of(cls, told: Mapping[str, str]) -> Self:
        """What the texts say, each by the name of its field; what cannot be read is left out."""
        read: dict[str, Any] = {
            "kind": _one_of(get_args(CustomerKind), told.get("kind", "")) or "all",
            "tag": _tag(told.get("tag", "")),
            "own_tag": told["own_tag"] if _ID.fullmatch(told.get("own_tag", "")) else "",
            "consent": _one_of(get_args(Consent), told.get("consent", "")),
            "source": _one_of(get_args(Source), told.get("source", "")),
            "first_order": _one_of(get_args(FirstBought), told.get("first_order", "")),
            "talked": {"yes": True, "no": False}.get(told.get("talked", "")),
        }
        for names, reader in (
            (("spent_from", "spent_to"), _amount),
            (("orders_from", "orders_to"), _number),
            (("ordered_within", "not_ordered_for"), _days),
            (("ordered_since", "ordered_until", "known_since", "known_until"), _day),
        ):
            read |= {name: reader(told.get(name, "")) for name in names}
        return cls(**read)

    @classmethod
    def read(cls, stored: str) -> Self:
        """A stored definition. Raises InvalidInput for one that this code cannot read, rather than
        mean other persons than it says."""
        try:
            told = json.loads(stored)
            version = told.pop("version")
            found = cls.of(told)
        except (ValueError, AttributeError, KeyError, TypeError):
            raise InvalidInput(reason=worded("this segment can’t be read")) from None
        if version != VERSION or found.told != told:
            raise InvalidInput(reason=worded("this segment can’t be read"))
        return found

    @property
    def stored(self) -> str:
        """As an event keeps it: equal definitions are equal texts."""
        return json.dumps({"version": VERSION, **self.told}, sort_keys=True, ensure_ascii=False)

    @property
    def told(self) -> dict[str, str]:
        """What is chosen as texts, by the names of the fields; `of` reads them."""
        chosen = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: _text(one) for name, one in chosen.items() if one not in (None, "", "all")}

    @property
    def narrowed(self) -> bool:
        """Whether more is chosen than the kind."""
        return replace(self, kind="all") != Definition()

    @property
    def asks_profile(self) -> bool:
        """Whether it asks who somebody is, besides the kind."""
        asked = (self.consent, self.talked, self.known_since, self.known_until)
        return bool(self.tag or self.own_tag) or any(one is not None for one in asked)

    @property
    def asks_lead(self) -> bool:
        """Whether it asks how somebody came, or whether that led to an order."""
        return self.source is not None or self.first_order is not None

    @property
    def asks_sums(self) -> bool:
        """Whether it asks how much was bought."""
        asked = (self.spent_from, self.spent_to, self.orders_from, self.orders_to)
        return any(one is not None for one in asked)

    @property
    def asks_last_order(self) -> bool:
        """Whether it asks when the last order was placed."""
        asked = (self.ordered_since, self.ordered_until, self.ordered_within, self.not_ordered_for)
        return any(one is not None for one in asked)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _one_of(choices: tuple[Any, ...], text: str) -> Any:
    return text if text in choices else None


def _tag(text: str) -> str:
    text = text.strip()
    return text if text.isprintable() and len(text) <= _MAX_TAG else ""


def _amount(text: str) -> Decimal | None:
    text = text.strip()
    if _COMMA.fullmatch(text):
        text = text.replace(",", ".")
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    if not value.is_finite() or value < 0 or len(value.as_tuple().digits) > _MAX_DIGITS:
        return None
    plain = abs(value).normalize()
    exponent = plain.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > _MAX_DIGITS:
        return None
    return plain.quantize(Decimal(1)) if exponent > 0 else plain


def _number(text: str) -> int | None:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(_MAX_NUMBER))):
        return None
    return min(int(text), _MAX_NUMBER)


def _days(text: str) -> int | None:
    number = _number(text)
    return number if number and number <= _MAX_DAYS else None


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    # The days around it must be days too, in every time zone.
    return found if date(1970, 1, 1) <= found <= date(9000, 1, 1) else None
