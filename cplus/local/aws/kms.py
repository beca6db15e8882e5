"""Keeps the key of KMS on disk: what it wrapped must open after a restart."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cplus.local.aws import moto_adapter
from cplus.local.aws.endpoint import KMS_KEY

_BYTES: Final = 32


def load_key(path: Path) -> None:
    """Puts the key that the file holds into KMS; makes it at the first start."""
    try:
        material = path.read_bytes()
    except FileNotFoundError:
        material = os.urandom(_BYTES)
        _write(path, material)
    moto_adapter.put_kms_key(KMS_KEY, material)


def _write(path: Path, material: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(material)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)  # noqa: PTH105 - says that it is the atomic one
