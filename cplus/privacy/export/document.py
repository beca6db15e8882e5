"""An export as JSON; docs/privacy.md documents the shape."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from cplus.privacy.export.gathering import Export

FORMAT: Final = "conversations-plus/person"
VERSION: Final = 1
"""Raised if a reader of the file has to be changed for it."""


def as_json(
    export: Export,
    *,
    shop: str,
    now: datetime,
    profile: Mapping[str, Any] | None,
    rest: str | None,
) -> bytes:
    """The document, in UTF-8. `profile` says what the person is now; `rest` is where the next part
    is to be had."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "shop": shop,
        "made_at": now,
        "persons": export.persons,
        "nothing_is_kept": export.empty and profile is None,
        "erased_at": export.erased_at,
        "person": profile,
        **{
            name.name: getattr(export, name.name)
            for name in dataclasses.fields(export)
            if name.name not in {"after", "following", "persons", "erased_at"}
        },
        "continues_at": rest,
    }
    # What is half a character, from a stranger's mail, becomes a mark.
    text = json.dumps(document, default=_plain, ensure_ascii=False, indent=1)
    return text.encode("utf-8", "replace")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return dataclasses.asdict(value)
