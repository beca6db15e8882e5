"""What `cplus prove` asks each release of the code: which rows it makes of a log.

`python -m cplus.projections.telling` answers on standard output what it is asked on standard
input, with the code that is first on its PYTHONPATH. Both are BSON documents, one right after the
other, with the names in their order:

- told first: {"code", "projections": [[name, version], …], "protocol"}
- asked, for one shop: {"position", "projections": [[name, version], …], "seq", "shop"}; the
  log is folded up to that commit
- told, for each projection asked: {"key", "row"} for each row, by key (or {"fault", "key"}: the
  row cannot be stored), then {"end": {"events", "rows", "stop"}}, where `stop` is None or
  {"position", "reason", "type"}

Two releases speak it to each other, so it changes only with another PROTOCOL. It reads the log
and the keyring and nothing else, and ends with its input.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final

import structlog

import cplus
from cplus.events.log.store import EventStore
from cplus.events.reader import EventReader
from cplus.loop import run
from cplus.mongo import Mongo, canonical, connect, decoded
from cplus.privacy.sealed_log import aws_of_environment, sealed_log
from cplus.projections.base import Projection, Row
from cplus.projections.checks.fold_in_memory import fold_shop
from cplus.projections.groups import ALL
from cplus.settings import Settings

PROTOCOL: Final = 1
END: Final = b"\x03end\x00"
"""The first bytes, after the four of its length, of the document that ends the rows."""
LARGEST: Final = 16 * 1024 * 1024
"""Bytes of a row that MongoDB can hold."""


def main() -> None:
    """Answers until there is no more input. What fails is named on standard error."""
    answers = os.fdopen(os.dup(1), "wb", buffering=1 << 16)
    os.dup2(2, 1)  # what other code prints must not mix with the answers
    try:
        _answer(sys.stdin.buffer, answers)
    except BrokenPipeError:
        os._exit(1)  # the reader is gone
    except Exception as error:  # noqa: BLE001  its words may hold data or the connection string
        sys.exit(f"{type(error).__name__}")


def _answer(questions: BinaryIO, answers: BinaryIO) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    known = {(one.name, one.version): one for one in ALL}
    code = os.path.realpath(os.path.dirname(cplus.__file__))  # noqa: PTH120
    hello = {"code": code, "projections": sorted(known), "protocol": PROTOCOL}
    answers.write(canonical(hello))
    answers.flush()

    settings = Settings()

    async def connected() -> Mongo:
        return connect(settings)

    mongo = run(connected())
    _, store, reader = sealed_log(settings, mongo, aws_of_environment)
    for asked in _documents(questions):
        for name, version in asked["projections"]:
            answers.writelines(run(_told(store, reader, known[name, version], asked)))
        answers.flush()


async def _told(
    store: EventStore, reader: EventReader, projection: Projection, asked: Mapping[str, Any]
) -> Iterator[bytes]:
    end = (asked["position"], asked["seq"])
    folded = await fold_shop(store, reader, projection, asked["shop"], end=end)
    stop = folded.stop and {
        "position": folded.stop.position,
        "reason": folded.stop.reason,
        "type": folded.stop.type,
    }
    return _rows(folded.rows, {"events": folded.seq, "rows": len(folded.rows), "stop": stop})


def _rows(rows: Mapping[str, Row], end: Mapping[str, Any]) -> Iterator[bytes]:
    for key in sorted(rows):
        yield _row(key, rows[key])
    yield canonical({"end": end})


def _row(key: str, row: Row) -> bytes:
    try:
        told = canonical({"key": key, "row": row})
    except Exception as error:  # noqa: BLE001  any error is reported for this row
        return canonical({"fault": type(error).__name__, "key": key})
    return told if len(told) <= LARGEST else canonical({"fault": "DocumentTooLarge", "key": key})


def _documents(stream: BinaryIO) -> Iterator[dict[str, Any]]:
    while head := stream.read(4):
        yield decoded(head + stream.read(int.from_bytes(head, "little") - 4))
