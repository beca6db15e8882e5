"""What is too large for a commit, and raw mail: sealed objects in a bucket."""

from __future__ import annotations

from typing import Final

from cplus.aws.clients import Aws
from cplus.envelopes import Stored, seal, unseal
from cplus.errors import InvalidInput
from cplus.ids import random_id

BODIES: Final = "bodies"
MAIL: Final = "mail"
"""The roles of buckets."""

SEALED_FOLDER: Final = "sealed/"
"""Where sealed objects are, as `sealed/<shop>/<id>`."""


UPLOADS_FOLDER: Final = "uploads/"
"""Where pieces of files are that nobody has sent yet, as `uploads/<shop>/<id>`: a rule of the
bucket ends them."""


class SealedObjects:
    """The objects of one bucket; `role` says what it is the bucket of."""

    def __init__(self, aws: Aws, bucket: str, role: str) -> None:
        self._aws = aws
        self._bucket = bucket
        self._role = role

    async def put(self, shop: str, clear: bytes, folder: str = SEALED_FOLDER) -> Stored:
        """Stores the bytes as a new object. Whoever loses the answer has lost them: nothing else
        opens the object, so one that was left behind needs nobody to delete it."""
        id_ = random_id(26)
        opens, sealed = seal(shop, self._role, id_, clear)
        key = f"{folder}{shop}/{id_}"
        await self._aws.put_object(self._bucket, key, sealed)
        return Stored({"bucket": self._bucket, "key": key}, opens)

    async def get(self, shop: str, stored: Stored) -> bytes:
        """The clear bytes; raises KeyError if there is no such object, ObjectBroken, and
        InvalidInput for another bucket, which only a message of somebody else can name."""
        bucket, key = stored.ref["bucket"], stored.ref["key"]
        if bucket != self._bucket:
            raise InvalidInput(reason=f"the object is not in the bucket of {self._role}")
        found = await self._aws.get_object(bucket, key)
        if stored.opens is None:
            return found
        return unseal(shop, self._role, key.rpartition("/")[2], stored.opens, found)
