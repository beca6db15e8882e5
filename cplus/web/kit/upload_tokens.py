"""What a browser holds of a file that it sends in pieces: an encrypted token, which one form of one
merchant brings back within a day.

The keys of the pieces stand in it and nowhere else, so they open for nobody once it is gone.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cplus.clock import Clock
from cplus.commands.conversations.uploading import Uploaded
from cplus.envelopes import Stored
from cplus.errors import InvalidSignature
from cplus.keys import derived_key

_NONCE: Final = 12
_LONGEST: Final = 8_000
FIELD: Final = "upload-"
"""How the names of the fields begin that hold a token."""


class OwnForm(NamedTuple):
    """Whose form it is that a token belongs to."""

    shop: str
    actor: str
    key: str


class Offered(NamedTuple):
    """A file as a form offers it again."""

    token: str
    file: Uploaded


@dataclass(frozen=True, slots=True)
class UploadTokens:
    """Makes and reads them."""

    secret: str
    clock: Clock

    def token(self, form: OwnForm, file: Uploaded) -> str:
        """The token of a file, for this form."""
        held = {
            "id": file.id,
            "name": file.name,
            "type": file.content_type,
            "size": file.size,
            "until": file.until,
            "pieces": [
                [one.ref["bucket"], one.ref["key"], b64encode(one.opens or b"").decode()]
                for one in file.pieces
            ],
        }
        nonce = os.urandom(_NONCE)
        sealed = self._cipher().encrypt(nonce, json.dumps(held).encode(), _place(form))
        return urlsafe_b64encode(nonce + sealed).decode()

    def read(self, form: OwnForm, token: str) -> Uploaded:
        """The file; raises InvalidSignature for a token that is forged, over, or of another form,
        merchant or shop."""
        try:
            if len(token) > _LONGEST:
                raise InvalidSignature
            told = urlsafe_b64decode(token.encode("ascii"))
            nonce, sealed = told[:_NONCE], told[_NONCE:]
            held = json.loads(self._cipher().decrypt(nonce, sealed, _place(form)))
        except (InvalidTag, ValueError):
            raise InvalidSignature from None
        # What opens is ours, so its shape is too.
        if held["until"] <= self.clock().timestamp():
            raise InvalidSignature
        pieces = tuple(
            Stored({"bucket": bucket, "key": key}, b64decode(opens))
            for bucket, key, opens in held["pieces"]
        )
        return Uploaded(held["id"], held["name"], held["type"], held["size"], held["until"], pieces)

    def of_form(self, form: OwnForm, fields: Mapping[str, str]) -> tuple[list[Uploaded], bool]:
        """The files of the tokens in a form, and whether there were others, which do not count."""
        found, others = list[Uploaded](), False
        for name, value in fields.items():
            if name.startswith(FIELD):
                try:
                    found.append(self.read(form, value))
                except InvalidSignature:
                    others = True
        return found, others

    def offered(self, form: OwnForm, files: Sequence[Uploaded]) -> list[Offered]:
        """The files, for this form: they need not be sent again."""
        return [Offered(self.token(form, one), one) for one in files]

    def _cipher(self) -> AESGCM:
        return AESGCM(derived_key(self.secret, "uploads"))


def _place(form: OwnForm) -> bytes:
    # No host, actor or key holds a NUL, so two forms never have the same bytes.
    return "\0".join(("upload", *form)).encode()
