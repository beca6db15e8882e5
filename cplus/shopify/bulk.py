"""Bulk operations: Shopify runs a query over everything and puts the result into a file.

Source: Shopify's pages on bulk operations. The file has a line of JSON for each object, and can be
fetched for 7 days.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cplus.deadline import Deadline
from cplus.errors import ShopifyRefused, ShopifyUnavailable, UnreadableAnswer
from cplus.shopify.admin import AdminClient
from cplus.shopify.documents import (
    BULK_CANCEL,
    BULK_OPERATION,
    BULK_OPERATIONS,
    BULK_RUN,
    CUSTOMERS_COUNT,
    CUSTOMERS_IN_BULK,
)
from cplus.shopify.values import Moment, Text, Unsigned

LONGEST_LINE: Final = 4 * 1024 * 1024
"""Bytes of an object's line; a longer one is left out and counted."""

_BUSY: Final = frozenset({"OPERATION_IN_PROGRESS", "LIMIT_REACHED"})
_UNKNOWN: Final = frozenset({400, 403, 404, 410})  # of an address whose time is over


class BulkBusy(Exception):
    """As many bulk operations of this app run in the shop as may."""


class FileGone(Exception):
    """The file of a bulk operation is no longer there."""


class Operation(BaseModel):
    """A bulk operation."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: Text
    status: Text
    """CREATED, RUNNING, COMPLETED, FAILED, CANCELING, CANCELED, EXPIRED."""
    error_code: Text | None = Field(None, validation_alias="errorCode")
    size: Unsigned | None = Field(None, validation_alias="fileSize")
    """Bytes of the file at `url`."""
    url: str | None = None
    """None if the result is empty."""
    partial_url: str | None = Field(None, validation_alias="partialDataUrl")
    """Where what was read before it failed can be fetched."""
    created_at: Moment | None = Field(None, validation_alias="createdAt")
    query: str | None = None


class Count(NamedTuple):
    """How many there are."""

    number: int
    exact: bool
    """Whether there are not more."""


async def customers_count(client: AdminClient, *, deadline: Deadline | None = None) -> Count:
    """How many customers the shop has. Raises the same errors as AdminClient.query."""
    return count_of(
        client, "customersCount", await client.query(CUSTOMERS_COUNT, {}, deadline=deadline)
    )


def count_of(client: AdminClient, name: str, data: Mapping[str, Any]) -> Count:
    """The count of that name. Raises UnreadableAnswer."""
    try:
        said = data[name]
        return Count(int(said["count"]), said["precision"] == "EXACT")
    except (KeyError, TypeError, ValueError):
        raise _unreadable(client, name) from None


def customers_query(behind: int) -> str:
    """The query over the customers whose ids are above `behind`."""
    return CUSTOMERS_IN_BULK.replace("id:>0", f"id:>{behind}")


async def start(
    client: AdminClient, query: str, *, grouped: bool = False, deadline: Deadline | None = None
) -> str:
    """Starts a bulk operation; its global id. It is asked for once, since a second one would run
    too. If `grouped`, the lines of what belongs to an object follow its own.

    Raises BulkBusy, AccessDenied (bulk operations are not enabled for the app, or no longer),
    ShopifyRefused (the query is not taken), and as AdminClient.query.
    """
    once = AdminClient(
        *(client.http, client.origin, client.api_version, client.shop, client.access_token),
        *(client.sleep, client.budget),
    )
    data = await once.query(BULK_RUN, {"query": query, "grouped": grouped}, deadline=deadline)
    try:
        said = data["bulkOperationRunQuery"]
        codes = [str(one.get("code")) for one in said["userErrors"]]
        if _BUSY.intersection(codes):
            raise BulkBusy
        if codes:
            raise ShopifyRefused(shop=client.shop, code=f"bulk operation: {codes[0]}")
        return str(said["bulkOperation"]["id"])
    except (KeyError, TypeError, AttributeError):
        raise _unreadable(client, "bulkOperationRunQuery") from None


async def cancel(client: AdminClient, gid: str, *, deadline: Deadline | None = None) -> bool:
    """Ends a bulk operation; whether there was anything to end. Raises the same errors as
    AdminClient.query."""
    data = await client.query(BULK_CANCEL, {"id": gid}, deadline=deadline)
    try:
        return not data["bulkOperationCancel"]["userErrors"]
    except (KeyError, TypeError):
        raise _unreadable(client, "bulkOperationCancel") from None


async def operation(
    client: AdminClient, gid: str, *, deadline: Deadline | None = None
) -> Operation | None:
    """The bulk operation of that global id; None if Shopify knows none. Raises the same errors as
    AdminClient.query."""
    data = await client.query(BULK_OPERATION, {"id": gid}, deadline=deadline)
    return _operation(client, data["bulkOperation"]) if data.get("bulkOperation") else None


async def started(
    client: AdminClient, query: str, since: datetime, *, deadline: Deadline | None = None
) -> list[str]:
    """The global ids of the bulk operations over this query that were started since then and run
    or are complete, newest first. Raises the same errors as AdminClient.query."""
    since = since.replace(microsecond=0)  # as Shopify tells times
    told = since.isoformat(timespec="seconds")
    wanted = {"query": f"operation_type:query created_at:>='{told}'"}
    data = await client.query(BULK_OPERATIONS, wanted, deadline=deadline)
    try:
        found = [_operation(client, one) for one in data["bulkOperations"]["nodes"]]
    except (KeyError, TypeError):
        raise _unreadable(client, "bulkOperations") from None
    return [
        one.id
        for one in found
        if (one.query or "").split() == query.split()
        and one.created_at is not None
        and one.created_at >= since
        and one.status in ("CREATED", "RUNNING", "COMPLETED")
    ]


def _operation(client: AdminClient, said: Any) -> Operation:
    try:
        return Operation.model_validate(said)
    except ValidationError:
        raise _unreadable(client, "a bulk operation") from None


def _unreadable(client: AdminClient, what: str) -> UnreadableAnswer:
    return UnreadableAnswer(shop=client.shop, reason=f"an answer of another shape: {what}")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file."""

    text: bytes
    """With its end; empty if the line was too long."""
    end: int
    """Bytes of the file up to here."""
    whole: bool = True
    """Whether a line end follows: the last line of a partial file may be cut off."""


async def lines(client: AdminClient, url: str, offset: int) -> AsyncGenerator[Line, None]:
    """The lines of the file from this byte on, in bounded memory.

    The token is not sent: the address itself is what allows it. Raises FileGone once it is no
    longer there, and ShopifyUnavailable.
    """
    try:
        httpx.URL(url)
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # a port that is none raises too
    except (ValueError, httpx.InvalidURL):
        reason = "a file at an address that cannot be read"
        raise ShopifyUnavailable(shop=client.shop, reason=reason) from None
    if parts.scheme != urlsplit(client.origin).scheme or not host:
        raise ShopifyUnavailable(shop=client.shop, reason="a file at an address of another kind")
    # Compressed, bytes would be counted in what is sent and not in what the file holds.
    headers = {"Accept-Encoding": "identity", "Range": f"bytes={offset}-"}
    try:
        async with client.http.stream("GET", url, headers=headers, follow_redirects=False) as said:
            if said.status_code == 416:
                return
            if said.status_code in _UNKNOWN:
                raise FileGone
            if said.status_code not in (200, 206):
                reason = f"status {said.status_code} of a file"
                raise ShopifyUnavailable(shop=client.shop, reason=reason)
            skip = offset if said.status_code == 200 else 0
            async for line in _split(said.aiter_bytes(), offset, skip):
                yield line
    except httpx.HTTPError as error:
        raise ShopifyUnavailable(shop=client.shop, reason=type(error).__name__) from None


async def _split(chunks: AsyncIterator[bytes], offset: int, skip: int) -> AsyncIterator[Line]:
    kept, end, too_long = bytearray(), offset, False
    async for part in chunks:
        given = part[skip:]
        skip -= len(part) - len(given)
        *whole, rest = given.split(b"\n")
        for one in whole:
            kept += one
            end += len(one) + 1
            yield Line(b"" if too_long else bytes(kept) + b"\n", end)
            kept.clear()
            too_long = False
        kept += rest
        end += len(rest)
        if len(kept) > LONGEST_LINE:
            too_long = True
            kept.clear()
    if kept or too_long:
        yield Line(b"" if too_long else bytes(kept), end, whole=False)


def json_of(line: Line) -> Any:
    """What the line says; None if that cannot be read."""
    try:
        return json.loads(line.text)
    except (ValueError, RecursionError):
        return None
