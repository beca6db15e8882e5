"""Signed values that leave the app and come back: cookies and sign-in links.

Each kind has a signature that no other kind accepts, and expires by the clock that is given.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from itsdangerous import BadData, URLSafeSerializer

from cplus.clock import Clock, utc_now
from cplus.errors import InvalidSignature
from cplus.ids import random_id
from cplus.keys import derived_key

_SIGNING: Final = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}


class Signer:
    """Signs under the application secret, and reads what it signed."""

    def __init__(self, secret: str, clock: Clock = utc_now) -> None:
        self._key = derived_key(secret, "web-sessions")
        self._clock = clock

    def sign(self, kind: str, seconds: int, **held: str) -> str:
        """A value for URLs and cookies that holds these texts, a random `id`, when it was made
        (`at`) and when it ends (`until`), both in seconds since 1970."""
        at = self.now()
        content = {**held, "id": random_id(), "at": at, "until": at + seconds}
        return str(self._serializer(kind).dumps(content))

    def read(self, kind: str, value: str) -> dict[str, Any]:
        """What the value holds; raises InvalidSignature if it is forged, of another kind, over,
        or spelled otherwise than `sign` did."""
        held = self.read_ended(kind, value)
        if held["until"] <= self.now():
            raise InvalidSignature
        return held

    def now(self) -> float:
        """The time by the signer's clock, in seconds since 1970."""
        return self._clock().timestamp()

    def read_ended(self, kind: str, value: str) -> dict[str, Any]:
        """The same, also of a value that is over."""
        serializer = self._serializer(kind)
        try:
            held = serializer.loads(value)
            # Base64 is read leniently: many spellings of a signature decode to the same bytes.
            signer = serializer.make_signer(serializer.salt)
            if signer.sign(signer.unsign(value)) != value.encode():
                raise InvalidSignature
            # What is signed is ours, so its shape is too.
            return dict(held)
        except (BadData, UnicodeEncodeError, RecursionError):
            raise InvalidSignature from None

    def _serializer(self, kind: str) -> URLSafeSerializer:
        return URLSafeSerializer(self._key, salt=kind, signer_kwargs=dict(_SIGNING))
