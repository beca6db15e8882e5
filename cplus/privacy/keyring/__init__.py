"""The keyring: the keys of persons, wrapped by a key of their shop, which the application's key
wraps, which KMS wraps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cplus.clock import Clock, utc_now
from cplus.mongo import Mongo
from cplus.privacy.keyring.keyring import Keyring, ensure_indexes
from cplus.privacy.keyring.masters import KMS, LOCAL, LocalMaster, Master, masters_of
from cplus.privacy.keyring.rotating import Rotated, rotate
from cplus.privacy.keyring.wrapping_keys import APPLICATION, KEYS, shop_owner
from cplus.settings import Settings

if TYPE_CHECKING:
    from cplus.aws import Aws

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
    "keyring_of",
    "masters_of",
    "rotate",
    "shop_owner",
]


def keyring_of(
    settings: Settings, mongo: Mongo, aws: Callable[[], Aws], clock: Clock = utc_now
) -> Keyring:
    """The keyring that the settings name; nothing is asked before the first key is needed. `aws` is
    called if a key of KMS is named."""
    return Keyring(mongo.keyring, masters_of(settings, aws), clock)
