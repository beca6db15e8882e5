"""The app as it is registered at Shopify: what its `shopify.app.toml` says."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cplus.shopify.hosts import shop_name

DEFAULT_SCOPES = "read_customers,read_orders"


@dataclass
class Registered:
    """Name, handle and scopes; a new version of the app may declare others."""

    name: str = "Conversations Plus"
    scopes: str = DEFAULT_SCOPES
    """The required ones."""
    optional: str = ""
    """Those that a merchant may grant when the app asks for them, or decline."""

    @classmethod
    def read(cls, file: Path) -> Self:
        """The app of a `shopify.app.toml`; raises OSError, TOMLDecodeError or KeyError."""
        told = tomllib.loads(file.read_text("utf-8"))
        asked = told["access_scopes"]
        optional = ",".join(map(str, asked.get("optional_scopes", [])))
        return cls(name=str(told["name"]), scopes=str(asked["scopes"]), optional=optional)

    @property
    def handle(self) -> str:
        """The app's name in addresses of the Admin."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")

    @property
    def wanted(self) -> list[str]:
        """The required scopes, each once."""
        return split(self.scopes)


def app_address(host: str, app: Registered) -> str:
    """The path of the app in the Admin of a shop."""
    return f"/store/{shop_name(host)}/apps/{app.handle}"


def split(scopes: str) -> list[str]:
    """Scopes of a text with commas, each once, in their order."""
    return list(dict.fromkeys(one for one in map(str.strip, scopes.split(",")) if one))
