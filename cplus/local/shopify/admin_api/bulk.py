"""Bulk operations: a query over everything, whose result is a file with a line for each object.

Source: Shopify's pages on bulk operations. They run one after the other here, in steps, so that a
shop of a hundred thousand customers takes little memory.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from graphql import (
    DocumentNode,
    GraphQLError,
    parse,
    validate,
)

from cplus.local.shopify.admin_api.bulk_lines import SCOPES, is_bulk, lines_of, root_of
from cplus.local.shopify.admin_api.graphql_api import local_schema
from cplus.local.shopify.admin_api.refusals import refused
from cplus.local.shopify.state import LocalShop

AT_ONCE: Final = 5
FINISHED: Final = "bulk_operations/finish"
_UNDER_WAY: Final = ("CREATED", "RUNNING", "CANCELING")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an operation is to end, for tests."""

    status: str = "COMPLETED"
    error_code: str | None = None
    lines: int | None = None
    """So many lines are in the file; None for all."""
    told: bool = True
    """Whether the app hears of it by a webhook."""
    held: bool = False
    """Whether it runs until `Operations.finish` is called."""
    flat: bool = False
    """Whether nothing is grouped, though that was asked for."""


@dataclass
class Operation:
    """A bulk operation of one shop."""

    number: int
    shop: str
    query: str
    grouped: bool
    """Whether the lines of what belongs to an object follow its own."""
    file: Path
    outcome: Outcome
    created_at: str
    status: str = "CREATED"
    completed_at: str | None = None
    size: int = 0
    """Bytes of the file that was written; it may be gone since."""
    key: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    go: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def gid(self) -> str:
        """Its global id."""
        return f"gid://shopify/BulkOperation/{self.number}"


class Operations:
    """The bulk operations of every shop. `tell` sends a webhook."""

    def __init__(self, tell: Callable[[str, str, dict[str, Any]], object]) -> None:
        self.url = ""
        self.at_once = AT_ONCE
        self.enabled = True
        """Whether the app may use bulk operations; without one for 31 days it may not."""
        self.next: defaultdict[str, list[Outcome]] = defaultdict(list)
        """By shop: how its next operations end."""
        self.of: defaultdict[str, list[Operation]] = defaultdict(list)
        """The operations of each shop, the newest last."""
        self._tell = tell
        self._directory: Path | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """Cancels what runs and removes the files."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    def routes(self) -> list[web.RouteDef]:
        """Where the files lie."""
        return [web.get("/bulk/{key}", self._file)]

    def root(self, shop: LocalShop, scopes: frozenset[str]) -> dict[str, Any]:
        """Resolvers for one shop, with one set of scopes."""
        return {
            "bulkOperationRunQuery": lambda _info, **given: self._start(shop, scopes, **given),
            "bulkOperationCancel": lambda _info, id: self._cancel(shop.host, id),  # noqa: A006
            "bulkOperation": lambda _info, id: self._one(shop.host, id),  # noqa: A006  Shopify's
            "bulkOperations": lambda _info, **_given: {
                "nodes": [self._described(one) for one in self.of[shop.host][:-11:-1]]
            },
        }

    async def idle(self) -> None:
        """Waits until none runs."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def finish(self, shop: str) -> None:
        """Lets the held operations of the shop end."""
        for one in self.of[shop]:
            one.go.set()

    def expire(self, shop: str) -> None:
        """Has the files of the shop gone, as seven days after."""
        for one in self.of[shop]:
            one.file.unlink(missing_ok=True)

    def _start(
        self,
        shop: LocalShop,
        scopes: frozenset[str],
        query: str,
        groupObjects: bool,  # noqa: N803  Shopify's name
    ) -> dict[str, Any]:
        if not self.enabled:
            raise refused("Access denied for bulkOperationRunQuery field.", "ACCESS_DENIED")
        under_way = sum(one.status in _UNDER_WAY for one in self.of[shop.host])
        if under_way >= self.at_once:
            code = "OPERATION_IN_PROGRESS" if self.at_once == 1 else "LIMIT_REACHED"
            return {"bulkOperation": None, "userErrors": [{"code": code}]}
        try:
            document = parse(query)
        except GraphQLError:
            document = None
        if document is None or validate(local_schema(), document) or not is_bulk(document):
            return {"bulkOperation": None, "userErrors": [{"code": "INVALID"}]}
        if self._directory is None:
            self._directory = Path(tempfile.mkdtemp(prefix="cplus-bulk-"))
        number = 1 + sum(map(len, self.of.values()))
        outcome = self.next[shop.host].pop(0) if self.next[shop.host] else Outcome()
        file = self._directory / f"{number}.jsonl"
        made = Operation(number, shop.host, query, groupObjects, file, outcome, _now())
        self.of[shop.host].append(made)
        task = asyncio.get_running_loop().create_task(self._run(shop, scopes, document, made))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return {"bulkOperation": self._described(made), "userErrors": []}

    async def _run(
        self, shop: LocalShop, scopes: frozenset[str], document: DocumentNode, one: Operation
    ) -> None:
        if one.status == "CREATED":
            one.status = "RUNNING"
        status, error = one.outcome.status, one.outcome.error_code
        if not scopes & SCOPES[root_of(document)]:
            status, error = "FAILED", "ACCESS_DENIED"
        elif error != "ACCESS_DENIED":
            left = one.outcome.lines
            with one.file.open("wb") as file:
                for lines in lines_of(shop, document, grouped=one.grouped and not one.outcome.flat):
                    file.writelines(lines[:left])
                    left = None if left is None else max(left - len(lines), 0)
                    if left == 0 or one.status == "CANCELING":
                        break
                    await asyncio.sleep(0)
        if one.outcome.held:
            await one.go.wait()
        if one.status == "CANCELING":
            status, error = "CANCELED", None
        one.outcome = replace(one.outcome, status=status, error_code=error)
        one.status, one.completed_at = status, _now()
        one.size = one.file.stat().st_size if one.file.exists() else 0
        if one.outcome.told:
            payload = {
                "admin_graphql_api_id": one.gid,
                "completed_at": one.completed_at,
                "created_at": one.created_at,
                "error_code": error.lower() if error else None,
                "status": status.lower(),
                "type": "query",
            }
            self._tell(FINISHED, shop.host, payload)

    def _cancel(self, shop: str, gid: str) -> dict[str, Any]:
        """Ends an operation, soon: it is told of as any other end."""
        found = next((one for one in self.of[shop] if one.gid == gid), None)
        if found is None:
            told = {"message": "Bulk operation does not exist"}
            return {"bulkOperation": None, "userErrors": [told]}
        if found.status not in _UNDER_WAY:
            state = found.status.lower()
            told = {"message": f"A bulk operation cannot be canceled when it is {state}"}
            return {"bulkOperation": self._described(found), "userErrors": [told]}
        found.status = "CANCELING"
        found.go.set()
        return {"bulkOperation": self._described(found), "userErrors": []}

    def _one(self, shop: str, gid: str) -> dict[str, Any] | None:
        found = [one for one in self.of[shop] if one.gid == gid]
        return self._described(found[0]) if found else None

    def _described(self, one: Operation) -> dict[str, Any]:
        ended = one.status not in _UNDER_WAY
        url = f"{self.url}/bulk/{one.key}" if ended and one.size else None
        complete = one.status == "COMPLETED"
        return {
            "id": one.gid,
            "status": one.status,
            "createdAt": one.created_at,
            "query": one.query,
            "errorCode": one.outcome.error_code if ended else None,
            "fileSize": str(one.size) if url and complete else None,
            "url": url if complete else None,
            "partialDataUrl": url if one.status == "FAILED" else None,
        }

    async def _file(self, request: web.Request) -> web.StreamResponse:
        key = request.match_info["key"]
        for one in (one for some in self.of.values() for one in some):
            if secrets.compare_digest(one.key, key) and one.file.exists():
                return web.FileResponse(one.file)
        raise web.HTTPForbidden(text="<Error><Code>ExpiredToken</Code></Error>")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
