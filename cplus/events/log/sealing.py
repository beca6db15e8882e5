"""Seals and opens what a commit holds about persons. Pure but for the random nonces.

A sealed value is a nonce of 12 random bytes, followed by what AES-256-GCM makes of the clear bytes.
Authenticated with it is where it stands: the shop, the id of the commit, the place in the commit
and the keys. So a value that is moved to another commit, event, person or shop does not open. The
position is not part of it: it changes when an append is tried again, the id does not.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, Protocol

import bson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cplus.errors import SealBroken
from cplus.events.base import Cause

CLEAR: Final = "none"
"""The scheme of what is not encrypted, as everything was before there was a keyring."""
SEALED: Final = "a256gcm"
"""The scheme of what is encrypted: AES-256-GCM, as described above."""

KEY_BYTES: Final = 32
_UNNAMED: Final = "unnamed/"
_BODY: Final = "cause/body"
_OPENS: Final = "cause/opens"
_NONCE: Final = 12
_CIPHERS: Final = 512  # ciphers in memory: those of wrapping keys, and of persons in use


@lru_cache(maxsize=_CIPHERS)
def _cipher(material: bytes) -> AESGCM:
    # One takes 2.5 KB, ten times as much as its key, and 1 µs to make.
    return AESGCM(material)


class Key:
    """A key by its id; what is left of one that was destroyed has no `material` and no `cipher`."""

    __slots__ = ("id", "material")

    def __init__(self, id_: str, material: bytes | None) -> None:
        self.id = id_
        self.material = material

    @property
    def cipher(self) -> AESGCM | None:
        """What encrypts and decrypts."""
        return None if self.material is None else _cipher(self.material)

    def __repr__(self) -> str:
        """Without the material, which must not get into a log line."""
        return f"Key({self.id!r}{'' if self.material else ', destroyed'})"


def unnamed(moment: datetime) -> str:
    """The owner of causes of that day (UTC) in which nobody is known."""
    return f"{_UNNAMED}{moment.astimezone(UTC).date().isoformat()}"


def day_of_unnamed(owner: str) -> datetime | None:
    """The beginning of the day (UTC) of such an owner; None for persons."""
    if not owner.startswith(_UNNAMED):
        return None
    return datetime.fromisoformat(owner.removeprefix(_UNNAMED)).replace(tzinfo=UTC)


class OpeningKeys(Protocol):
    """Provides the keys of what is read."""

    async def to_open(self, ids: Collection[str]) -> Mapping[str, Key]:
        """The keys by id, destroyed ones without material; ids that nobody ever gave are missing.

        Raises what the database raises, and KeysUnavailable.
        """


class SealingKeys(Protocol):
    """Provides the keys of what is written."""

    async def to_seal(self, shop: str, owners: Collection[str], erasures: int) -> Mapping[str, Key]:
        """The key of each owner, new ones included. Destroyed ones are without material.

        An owner is a person of the shop, or what `Draft.owners` names in place of one. No key that
        has material is condemned for a writer who has seen `erasures` erasures in the shop's log,
        which the caller has read before. Raises what the database raises, and KeysUnavailable.
        """


class Sealer:
    """Seals what one commit holds, under the keys of its owners."""

    def __init__(self, shop: str, commit: str, keys: Mapping[str, Key], events: int) -> None:
        """`events` is how many events the commit has."""
        self._shop = shop
        self._commit = commit
        self._keys = keys
        # All at once: to ask the system for each of them takes as long as to encrypt. One for each
        # event, one for the body of the cause and one for the key of its object.
        self._nonces = os.urandom(_NONCE * (events + 2))
        self._events = events

    def fields(self, index: int, person: str, clear: Mapping[str, Any]) -> dict[str, Any]:
        """The slot of the personal fields of the commit's event `index`. If the person was erased,
        nothing can be sealed for them, and the fields are left out."""
        key, sealed = self._keys[person], None
        if (cipher := key.cipher) is not None:
            place = _place(self._shop, self._commit, _fields_of(index), key.id)
            sealed = self._seal(cipher, index, bson.encode(clear), place)
        return {"scheme": SEALED, "person": person, "key": key.id, "fields": sealed}

    def cause(self, cause: Cause, owners: Sequence[str]) -> dict[str, Any]:
        """The cause, whose body, or the key of whose object, can be opened as long as none of the
        keys of its owners is destroyed; left out if one is already."""
        keys = [self._keys[owner] for owner in owners]
        own = cause_key(self._shop, self._commit, keys)
        document = {
            "kind": cause.kind,
            "scheme": SEALED,
            "keys": [key.id for key in keys],
            "body": self._of_cause(own, self._events, _BODY, cause.body),
            "ref": dict(cause.ref) if cause.ref else None,
            "headers": dict(cause.headers) if cause.headers else None,
        }
        if cause.opens is not None:
            document["opens"] = self._of_cause(own, self._events + 1, _OPENS, cause.opens)
        return document

    def _of_cause(
        self, own: Key | None, number: int, what: str, clear: bytes | None
    ) -> bytes | None:
        if own is None or clear is None or (cipher := own.cipher) is None:
            return None
        place = _place(self._shop, self._commit, what, own.id)
        return self._seal(cipher, number, clear, place)

    def _seal(self, cipher: AESGCM, number: int, clear: bytes, place: bytes) -> bytes:
        nonce = self._nonces[_NONCE * number : _NONCE * (number + 1)]
        return nonce + cipher.encrypt(nonce, clear, place)


def open_fields(
    shop: str, commit: str, index: int, slot: Mapping[str, Any], key: Key
) -> dict[str, Any] | None:
    """The fields in the slot of an event; None if they are erased. Raises SealBroken."""
    if key.material is None or slot["fields"] is None:
        return None
    place = _place(shop, commit, _fields_of(index), key.id)
    return dict(bson.decode(_open(key, place, slot["fields"], commit)))


def open_cause(
    shop: str, commit: str, sealed: Mapping[str, Any], keys: Mapping[str, Key]
) -> tuple[bytes | None, bytes | None]:
    """The body of a sealed cause and the key of its object; each None if there is none, or it is
    erased. Raises SealBroken."""
    own = cause_key(shop, commit, [keys[one] for one in sealed["keys"]])

    def opened(what: str, value: bytes | None) -> bytes | None:
        if own is None or value is None:
            return None
        return _open(own, _place(shop, commit, what, own.id), value, commit)

    return opened(_BODY, sealed["body"]), opened(_OPENS, sealed.get("opens"))


def cause_key(shop: str, commit: str, keys: Sequence[Key]) -> Key | None:
    """The key of a commit's cause: that of its only owner, or one that is made of the keys of all
    of them. None once one of them is destroyed, because then nobody can make it again."""
    if len(keys) == 1:
        return keys[0] if keys[0].material is not None else None
    materials = [key.material for key in keys]
    whole = b"".join(material for material in materials if material is not None)
    if not keys or len(whole) != KEY_BYTES * len(keys):
        return None
    name = "+".join(key.id for key in keys)
    return Key(name, hmac.digest(whole, _place(shop, commit, "cause/key", name), "sha256"))


def _fields_of(index: int) -> str:
    return f"events/{index}/fields"


def _place(shop: str, commit: str, place: str, key: str) -> bytes:
    # No host, id or name holds a NUL, so two places never have the same bytes.
    return f"{SEALED}\0{shop}\0{commit}\0{place}\0{key}".encode()


def _open(key: Key, place: bytes, sealed: bytes, commit: str) -> bytes:
    try:
        if (cipher := key.cipher) is None:
            raise ValueError("a destroyed key opens nothing")
        return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], place)
    except (InvalidTag, ValueError):
        raise SealBroken(commit=commit) from None
