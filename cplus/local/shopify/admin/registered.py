"""The app as it is registered at Shopify: what its `shopify.app.toml` says."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

DEFAULT_SCOPES = "read_customers,read_orders"


@dataclass
class Registered:
    """Name, handle and required scopes; a new version of the app may require others."""

    name: str = "Conversations Plus"
    scopes: str = DEFAULT_SCOPES

    @classmethod
    def read(cls, file: Path) -> Self:
        """The app of a `shopify.app.toml`; raises OSError, TOMLDecodeError or KeyError."""
        told = tomllib.loads(file.read_text("utf-8"))
        return cls(name=str(told["name"]), scopes=str(told["access_scopes"]["scopes"]))

    @property
    def handle(self) -> str:
        """The app's name in addresses of the Admin."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")

    @property
    def wanted(self) -> list[str]:
        """The required scopes, each once."""
        return split(self.scopes)


def split(scopes: str) -> list[str]:
    """Scopes of a text with commas, each once, in their order."""
    return list(dict.fromkeys(one for one in map(str.strip, scopes.split(",")) if one))
