"""Events that many tests need and few look into."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from cplus.events.base import AggregateEvent, Event, NewEvent
from cplus.events.catalogue.mail import MailSetAside
from cplus.events.catalogue.shops import AppInstalled

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
MAIL_ASIDE = MailSetAside(
    message_id="m1",
    person="person/a",
    reason="spam",
    channel="email",
    from_name="Ada",
    from_address="ada@example.com",
    subject="A lamp",
    text="Is it\n blue?",
    rfc_message_id=None,
    raw={"bucket": "b", "key": "k"},
)


def installed(
    shop_name: str = "Acorn",
    scopes: tuple[str, ...] = (),
    *,
    shop: str = "acorn.myshopify.com",
    version: int = 1,
    at: datetime = datetime(2026, 11, 1, tzinfo=UTC),
    **profile: Any,
) -> AppInstalled:
    """An install, as the shop's aggregate decides it."""
    return AppInstalled(
        originator_id=f"shop/{shop}",
        originator_version=version,
        timestamp=at,
        scopes=scopes,
        shop_name=shop_name,
        **profile,
    )


def sample(kind: type[Event]) -> NewEvent:
    """One event of the kind with every field filled; invented people only."""
    event = _sample(kind)
    if isinstance(event, AggregateEvent):
        return NewEvent.decided(event)
    return NewEvent(f"sample/{kind.TYPE}", event, NOW)


@cache
def _sample(kind: type[Event]) -> Event:
    schema = kind.model_json_schema()
    return kind.model_validate(_filled(schema, schema.get("$defs", {})))


def _filled(schema: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, field in schema["properties"].items():
        options = (_value(name, option, parts) for option in [field, *field.get("anyOf", [])])
        values[name] = next(value for value in options if value is not None)
    return values


def _value(name: str, schema: dict[str, Any], parts: dict[str, Any]) -> Any:
    if "const" in schema or "enum" in schema:
        return schema.get("const") or schema["enum"][0]
    if "$ref" in schema:
        return _filled(parts[schema["$ref"].rpartition("/")[2]], parts)
    if schema.get("format") == "date-time":
        return NOW
    if "$ref" in schema.get("items", {}) or schema.get("items", {}).get("type") == "object":
        return [_value(name, schema["items"], parts)]
    return {
        "string": "12.50" if name in {"amount_spent", "total_price", "price"} else f"a {name}",
        "integer": 7,
        "boolean": True,
        "array": [7] if schema.get("items") == {"type": "integer"} else ["one", "two"],
        "object": {"bucket": "b", "key": "k"},
    }.get(schema.get("type", ""))
