"""Who wraps the application key: KMS, or the application secret where there is no KMS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Protocol

from cplus.events.log.sealing import Key
from cplus.keys import derived_key
from cplus.privacy.keyring.wraps import unwrap, wrap
from cplus.settings import Settings

if TYPE_CHECKING:
    from cplus.aws import Aws

KMS: Final = "kms"
LOCAL: Final = "local"
"""Stored with each application key, to tell who can unwrap it."""


class Master(Protocol):
    """Wraps application keys."""

    async def wrap(self, name: str, material: bytes) -> bytes:
        """The application key of that name, wrapped; raises KeysUnavailable."""

    async def unwrap(self, name: str, wrapped: bytes) -> bytes:
        """The key that `wrap` wrapped; raises KeysUnavailable."""


class LocalMaster:
    """Wraps with a key derived from the application secret."""

    def __init__(self, secret: str) -> None:
        self._key = Key(LOCAL, derived_key(secret, "keyring"))

    async def wrap(self, name: str, material: bytes) -> bytes:
        """Wraps it."""
        return wrap(self._key, name, material)

    async def unwrap(self, name: str, wrapped: bytes) -> bytes:
        """Unwraps it; raises KeysUnavailable if it was wrapped with another secret."""
        return unwrap(self._key, name, wrapped)


def masters_of(settings: Settings, aws: Callable[[], Aws]) -> Mapping[str, Master]:
    """Those that the settings name. The first one wraps new application keys, and each of them
    unwraps what it wrapped. `aws` is called if there is a key of KMS."""
    found: dict[str, Master] = {}
    if settings.kms_key_id:
        from cplus.aws import Kms  # which takes a while to import

        found[KMS] = Kms(aws(), settings.kms_key_id)
    if settings.application_secret is not None and settings.application_secret.get_secret_value():
        found[LOCAL] = LocalMaster(settings.application_secret.get_secret_value())
    return found
