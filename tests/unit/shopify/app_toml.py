"""`shopify.app.toml`, and what the payload models read, as its `include_fields` are to name it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from cplus.shopify.payloads import Webhook
from tests.conftest import ROOT


def app_toml() -> dict[str, Any]:
    return tomllib.loads((ROOT / "shopify.app.toml").read_text(encoding="utf-8"))


def subscriptions() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = app_toml()["webhooks"]["subscriptions"]
    return found


def read_fields(model: type[Webhook]) -> list[str]:
    """What a payload model reads, as Shopify names it: what is in an object or in the objects of a
    list stands behind a dot."""
    return sorted(_fields(model, ""))


def _fields(model: type[BaseModel], place: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        sent = f"{place}{field.validation_alias or name}"
        inner = list(_models(field.annotation))
        for part in inner:
            yield from _fields(part, f"{sent}.")
        if not inner:
            yield sent


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def subscription(topics: list[str], fields: list[str]) -> str:
    """A subscription as the file has it, to be copied there."""
    lines = [f"  {name!r},".replace("'", '"') for name in fields]
    named = [f"  {topic!r},".replace("'", '"') for topic in topics]
    return "\n".join(
        [
            *("[[webhooks.subscriptions]]", "topics = [", *named, "]"),
            *('uri = "/webhooks/shopify"', "include_fields = [", *lines, "]"),
        ]
    )
