"""Keeps S3 objects on disk: written before the response, loaded at the start.

moto keeps objects in memory only. Each is one file here, `buckets/<bucket>/<name>`: a line of JSON
(key, metadata, time), then the bytes. The name is a readable part of the key and a hash of it, so
a key may contain any character that moto accepts (all but a line break), at any length that S3
allows. Only the newest version of an object survives a restart.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes

from cplus.local.aws import moto_adapter
from cplus.local.aws.moto_adapter import Content, Object

_CHANGES = frozenset({"PUT", "POST", "DELETE"})


class Objects:
    """The buckets under one folder, and the moto object of each file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stored: dict[str, dict[str, Object]] = {}

    def load(self) -> int:
        """Loads everything on disk into moto; returns the number of objects."""
        count = 0
        for folder in sorted(self._folder.iterdir()) if self._folder.is_dir() else []:
            bucket = folder.name
            moto_adapter.create_bucket(bucket)
            stored = self._stored.setdefault(bucket, {})
            for path in folder.iterdir():
                if path.suffix == ".part":  # a write that was cut off by a kill, never acknowledged
                    path.unlink()
                    continue
                key, found = _load(bucket, path)
                stored[key] = found
                count += 1
        return count

    def follow(self, method: str, raw_path: str) -> None:
        """Saves what the request that moto has just handled changed."""
        if method not in _CHANGES:
            return
        path = raw_path.partition("?")[0].lstrip("/")
        bucket, _, rest = path.partition("/")
        live = moto_adapter.objects(bucket)
        if live is None:
            if bucket in self._stored:  # the bucket was deleted, which S3 allows when it is empty
                self._stored.pop(bucket)
                with contextlib.suppress(OSError):
                    (self._folder / bucket).rmdir()
            return
        (self._folder / bucket).mkdir(parents=True, exist_ok=True)
        stored = self._stored.setdefault(bucket, {})
        key = unquote_to_bytes(rest).decode("utf-8", "replace")
        # A key that moto spells differently, or a request to the bucket: check all of them.
        names = {key} if key and (key in live or key in stored) else {*live, *stored}
        for name in names:
            self._settle(bucket, name, live.get(name), stored)

    def _settle(self, bucket: str, key: str, live: object, stored: dict[str, Object]) -> None:
        path = self._folder / bucket / file_name(key)
        if not isinstance(live, Object):  # gone, or hidden by a delete marker
            if stored.pop(key, None) is not None:
                path.unlink(missing_ok=True)
        elif stored.get(key) is not live:
            _write(path, live)
            stored[key] = live


def file_name(key: str) -> str:
    """The file name for the object `key`: readable, and unique by a hash."""
    readable = re.sub(r"[^A-Za-z0-9@._-]+", "_", key).strip("._")[-80:]
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{readable or 'object'}-{digest}"


def _write(path: Path, live: Object) -> None:
    held = moto_adapter.content(live)
    head = {
        "key": held.key,
        "metadata": held.metadata,
        "last_modified": held.last_modified.isoformat(),
    }
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.write(json.dumps(head).encode() + b"\n")
        file.write(held.body)
    os.replace(part, path)  # noqa: PTH105 - says that it is the atomic one


def _load(bucket: str, path: Path) -> tuple[str, Object]:
    first, _, body = path.read_bytes().partition(b"\n")
    head = json.loads(first)
    modified = dt.datetime.fromisoformat(head["last_modified"])
    held = Content(head["key"], head["metadata"], modified, body)
    return held.key, moto_adapter.put_object(bucket, held)
