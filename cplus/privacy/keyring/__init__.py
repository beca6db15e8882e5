"""The keyring: the keys of persons, wrapped by a key of their shop, which the application's key
wraps, which KMS wraps."""

from __future__ import annotations

from cplus.privacy.keyring.keyring import Keyring, ensure_indexes
from cplus.privacy.keyring.masters import KMS, LOCAL, LocalMaster, Master, masters_of
from cplus.privacy.keyring.rotating import Rotated, rotate
from cplus.privacy.keyring.wrapping_keys import APPLICATION, KEYS, shop_owner

__all__ = [
    "APPLICATION",
    "KEYS",
    "KMS",
    "LOCAL",
    "Keyring",
    "LocalMaster",
    "Master",
    "Rotated",
    "ensure_indexes",
    "masters_of",
    "rotate",
    "shop_owner",
]
