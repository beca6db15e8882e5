"""One key of KMS, which wraps keys."""

from __future__ import annotations

from typing import cast

from botocore.exceptions import BotoCoreError, ClientError

from cplus.aws.clients import Aws
from cplus.errors import KeysUnavailable


class Kms:
    """Wraps keys with one key of KMS, which never leaves it."""

    def __init__(self, aws: Aws, key: str) -> None:
        """`key` is its id, its ARN or an alias."""
        self._aws = aws
        self._key = key

    async def wrap(self, name: str, material: bytes) -> bytes:
        """Wraps the key `name`; raises KeysUnavailable."""
        return await self._ask("encrypt", name, "CiphertextBlob", Plaintext=material)

    async def unwrap(self, name: str, wrapped: bytes) -> bytes:
        """The key `name` that `wrap` wrapped; raises KeysUnavailable."""
        return await self._ask("decrypt", name, "Plaintext", CiphertextBlob=wrapped)

    async def _ask(self, action: str, name: str, answer: str, **given: bytes) -> bytes:
        try:
            kms = await self._aws.client("kms")
            # The context is authenticated with the key, and shows in CloudTrail.
            context = {"cplus-key": name}
            said = await getattr(kms, action)(KeyId=self._key, EncryptionContext=context, **given)
        except (BotoCoreError, ClientError) as error:
            reason = f"KMS refused to {action} with {self._key} ({_code(error)})"
            raise KeysUnavailable(reason=reason) from error
        return cast(bytes, said[answer])


def _code(error: Exception) -> str:
    if isinstance(error, ClientError):
        return str(error.response["Error"]["Code"])
    return type(error).__name__
