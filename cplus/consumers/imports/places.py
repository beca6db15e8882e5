"""Where an import stands, as the causes of its commits say it."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Final

from cplus.consumers.imports.importer import BulkPlace, Place
from cplus.events.catalogue.imports import ImportEnded
from cplus.events.log.commit import Commit
from cplus.events.names import import_page

_IN_CURSOR: Final = "unlisted/"  # where some stored commits have it


def headers_of(place: Place, behind: Place) -> dict[str, str]:
    """What the commit between the two places says of them, in its cause."""
    # Older releases read `end_cursor` too: what they do not know has headers of its own.
    headers = {"cursor": place.cursor or "", "end_cursor": behind.cursor or ""}
    if behind.began:
        headers["began"] = behind.began.isoformat()
    if behind.last:
        headers["last"] = str(behind.last)
    if behind.bulk:
        headers["bulk"] = _told(behind.bulk)
    if behind.bulk_orders:
        headers["bulk_orders"] = _told(behind.bulk_orders)
    if behind.orders:
        headers["orders"] = "/".join(map(str, behind.orders))
    if behind.unlisted:
        pages, after = behind.unlisted
        headers["unlisted"] = f"{pages}/{after}"
    if behind.closed:
        headers["closed"] = "1"
    return headers


def place_behind(commit: Commit) -> Place:
    """The place behind a page's commit, which was read with its cause."""
    page = import_page(commit.claims[0])
    ended = ImportEnded.TYPE in commit.types
    headers = (commit.cause or {}).get("headers") or {}
    began = headers.get("began")
    cursor, looked = headers.get("end_cursor") or "", headers.get("unlisted") or ""
    if cursor.startswith(_IN_CURSOR):
        cursor, looked = "", cursor.removeprefix(_IN_CURSOR)
    pages, _, after = looked.partition("/")
    return Place(
        page + 1,
        cursor or None,
        ended,
        datetime.fromisoformat(began) if began else None,
        int(headers.get("last") or 0),
        (int(pages), after) if pages else None,
        _bulk(headers.get("bulk")),
        _orders(headers.get("orders")),
        "closed" in headers,
        _bulk(headers.get("bulk_orders")),
    )


def _orders(noted: str | None) -> tuple[int, int] | None:
    if not noted:
        return None
    pages, _, behind = noted.partition("/")
    return int(pages), int(behind)


def _told(at: BulkPlace) -> str:
    return json.dumps(asdict(at), default=datetime.isoformat)


def _bulk(noted: str | None) -> BulkPlace | None:
    if not noted:
        return None
    fields = json.loads(noted)
    since = fields.pop("since")
    return BulkPlace(**fields, since=datetime.fromisoformat(since) if since else None)
