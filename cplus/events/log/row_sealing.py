"""Seals and opens what a row outside of the log holds about a person, under the key of that person:
so it goes with the key, as what commits hold does.

Sealed as in commits (see `sealing`), and authenticated with it is where it stands: the collection,
the id of the row, the field and the key. So a value that is moved to another row, field or person
does not open, nor does one of a commit.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import bson
from cryptography.exceptions import InvalidTag

from cplus.errors import RowBroken
from cplus.events.log.sealing import Key

_SCHEME: Final = "row/a256gcm"
_NONCE: Final = 12


class RowField(NamedTuple):
    """Where a sealed value stands."""

    collection: str
    row: str
    """The id of the row."""
    name: str

    def place(self, key: Key) -> bytes:
        """What is authenticated with it."""
        # No name or id holds a NUL, so two places never have the same bytes.
        return "\0".join((_SCHEME, *self, key.id)).encode()


def seal_in_row(key: Key, field: RowField, clear: Mapping[str, Any]) -> bytes | None:
    """The sealed value; None if the key is destroyed or condemned: then nothing is kept."""
    if (cipher := key.cipher) is None:
        return None
    nonce = os.urandom(_NONCE)
    return nonce + cipher.encrypt(nonce, bson.encode(clear), field.place(key))


def open_in_row(key: Key, field: RowField, sealed: bytes) -> dict[str, Any] | None:
    """The clear value; None if it is erased. Raises RowBroken."""
    if (cipher := key.cipher) is None:
        return None
    try:
        return dict(bson.decode(cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], field.place(key))))
    except (InvalidTag, ValueError):
        raise RowBroken(collection=field.collection, field=field.name) from None
