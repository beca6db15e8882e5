"""Deletes objects, with everything that a versioned bucket keeps of them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from cplus.aws.clients import Aws
from cplus.errors import InvalidInput

_SIDE_BY_SIDE: Final = 16  # keys whose versions are listed at once
_TOGETHER: Final = 500  # keys that are listed before their versions are deleted


class Objects:
    """The objects in the buckets that the settings name."""

    def __init__(self, aws: Aws, buckets: Collection[str]) -> None:
        """Nothing is deleted from any bucket that is not one of these."""
        self._aws = aws
        self._buckets = {bucket for bucket in buckets if bucket}

    async def delete(self, refs: Iterable[Mapping[str, str]]) -> int:
        """Deletes every version and delete marker of these objects, each {"bucket", "key"};
        returns how many of them were still there, if only under a delete marker.

        Repeatable: a call that was cut off is completed by the next. Raises InvalidInput if one is
        in another bucket and ObjectsKept if S3 refused, both once everything else is deleted.
        """
        keys = defaultdict[str, dict[str, None]](dict)
        for ref in refs:
            keys[ref["bucket"]][ref["key"]] = None
        done = 0
        for bucket in sorted(keys.keys() & self._buckets):
            names = list(keys[bucket])
            for start in range(0, len(names), _TOGETHER):
                done += await self._delete(bucket, names[start : start + _TOGETHER])
        if keys.keys() - self._buckets:
            raise InvalidInput(reason="an object to delete is in a bucket that no setting names")
        return done

    async def _delete(self, bucket: str, keys: Collection[str]) -> int:
        room = asyncio.Semaphore(_SIDE_BY_SIDE)

        async def listed(key: str) -> list[tuple[str, str]]:
            async with room:
                found = (await self._aws.list_versions(bucket, key)).get(key)
            # Markers last: whoever is cut off leaves the object hidden and not shown again.
            return [(key, id_) for id_ in (*found.ids, *found.markers)] if found else []

        versions = await asyncio.gather(*map(listed, keys))
        await self._aws.delete_versions(bucket, [one for of_key in versions for one in of_key])
        return sum(bool(of_key) for of_key in versions)
