"""The Admin's frame: what a page in it needs, and who may frame it."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from cplus.settings import Settings
from cplus.shopify.hosts import admin_page
from cplus.web.kit.deep_links import HOME


@dataclass(frozen=True, slots=True)
class Bridge:
    """What a page of the frame needs of Shopify."""

    client_id: str
    script: str
    """Address of App Bridge."""
    admin: str
    """Origin of Shopify's Admin, with no slash at the end."""
    optional_scopes: frozenset[str] = frozenset()
    """The scopes that a page may ask for; none without an Admin, whose installation has them."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Bridge:
        """From the settings."""
        optional = filter(None, map(str.strip, settings.shopify_optional_scopes.split(",")))
        return cls(
            client_id=settings.shopify_client_id,
            script=settings.app_bridge_url,
            admin=settings.shopify_admin_origin,
            optional_scopes=frozenset(optional if settings.shopify_admin_origin else ()),
        )

    def page(self, shop: str, address: str = "/") -> str:
        """Where the Admin of the shop shows the page of the app at that address, a path with its
        query. Raises InvalidShop."""
        return admin_page(self.admin, shop, self.client_id, address)


@dataclass(frozen=True, slots=True)
class Framing:
    """Who may frame the answer, and which scripts of others it needs: for its security policy."""

    ancestors: str
    scripts: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What a page of the frame knows of itself."""

    shop: str
    """The shop in whose Admin it stands; "" if that isn't known."""
    bridge: Bridge
    here: str
    """The page, as a window of its own would open it."""
    tab: str = field(default="", repr=False)
    """The key of the document, which its fetches bring beside their tokens."""

    @property
    def admin(self) -> str:
        """Where the Admin shows the app; a page's path goes behind it. "" for no shop."""
        return self.bridge.page(self.shop) if self.shop else ""

    @property
    def window(self) -> str:
        """The address that opens the page in a window of its own, with no token."""
        query = {"shop": self.shop, "next": "" if self.here == HOME else self.here}
        given = urlencode({name: value for name, value in query.items() if value})
        path = "/auth/install" if self.shop else "/auth/sign-in"
        return f"{path}?{given}" if given else path


def framing(bridge: Bridge, shop: str) -> Framing:
    """The page may be framed by the Admin, in this one shop."""
    ancestors = f"https://{shop} {bridge.admin}" if shop else bridge.admin
    parts = urlsplit(bridge.script)
    return Framing(ancestors, f"{parts.scheme}://{parts.netloc}")
