"""Bodies that are too large for a queue message or a commit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from cplus.aws.clients import Aws
from cplus.errors import InvalidInput


class Bodies:
    """Bodies too large for a queue message or a commit, in one bucket, named by their content."""

    def __init__(self, aws: Aws, bucket: str) -> None:
        self._aws = aws
        self._bucket = bucket

    async def put(self, shop: str, body: bytes) -> dict[str, str]:
        """Stores `body` and returns {"bucket", "key"}. The same body has the same key."""
        key = f"{shop}/{hashlib.sha256(body).hexdigest()}"
        await self._aws.put_object(self._bucket, key, body)
        return {"bucket": self._bucket, "key": key}

    async def get(self, ref: Mapping[str, str]) -> bytes:
        """The bytes for a result of `put`; raises KeyError if there are none, and InvalidInput for
        another bucket, which only a message of somebody else can name."""
        if ref["bucket"] != self._bucket:
            raise InvalidInput(reason="the body is not in the bucket of bodies")
        return await self._aws.get_object(ref["bucket"], ref["key"])
