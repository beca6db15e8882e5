"""A versioned bucket in memory, as far as roots and the ledger need one."""

from __future__ import annotations

from cplus.aws import Versions


class Bucket:
    """Objects in memory."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    async def put_new_object(self, bucket: str, key: str, body: bytes) -> bool:
        return self.objects.setdefault(key, body) is body

    async def get_object(self, bucket: str, key: str, version: str | None = None) -> bytes:
        return self.objects[key]

    async def list_versions(self, bucket: str, prefix: str) -> dict[str, Versions]:
        return {key: Versions(["1"]) for key in sorted(self.objects) if key.startswith(prefix)}
