"""Which page somebody wanted to see who has to sign in first. Never one of another site."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, urlencode

from fastapi import Request

HOME: Final = "/inbox"
"""Where everybody is led who wanted nothing else."""

CONSOLE_HOME: Final = "/console"
"""Where operators are."""

_PAGE: Final = re.compile(
    r"/(?:inbox|conversations|customers|getting-started|privacy|metrics|billing|settings|search)"
    r"(?:[/?][!-\[\]-~]{0,400})?"
)
_CONSOLE_PAGE: Final = re.compile(r"/console/dead(?:[/?][!-\[\]-~]{0,400})?")
# What Shopify adds to an address when it opens the app, and what our page that asks for a token
# adds to that.
_SHOPIFYS: Final = frozenset(
    {"bounced", "embedded", "hmac", "host", "id_token", "locale", "session", "shop", "timestamp"}
)


def own_page(address: str) -> str:
    """The address if it is that of a merchant's page, path and query; HOME for anything else."""
    return address if _PAGE.fullmatch(address) and not _climbs(address) else HOME


def own_console_page(address: str) -> str:
    """The same for operators: CONSOLE_HOME for anything but a page of the console."""
    matches = _CONSOLE_PAGE.fullmatch(address)
    return address if matches and not _climbs(address) else CONSOLE_HOME


def _climbs(address: str) -> bool:
    """Whether a segment of its path is `.` or `..`, in whatever spelling: a browser takes that for
    another page than the one whose name the address begins with."""
    path = address.partition("?")[0].lower().replace("%2e", ".")
    return not {".", ".."}.isdisjoint(path.split("/"))


def console_sign_in(request: Request) -> str:
    """The address of the form for the operator token, which then leads to the page that the
    request asks for; where each form goes, GET leads to its page."""
    query = f"?{request.url.query}" if request.method == "GET" and request.url.query else ""
    leads_to = own_console_page(f"{request.url.path}{query}")
    if leads_to == CONSOLE_HOME:
        return CONSOLE_HOME
    return f"{CONSOLE_HOME}?{urlencode({'next': leads_to})}"


def wanted_page(request: Request) -> str:
    """The page that the request asks for, to be asked for again after signing in."""
    if request.method != "GET":
        return own_page(request.url.path)  # where each form goes, GET leads to its page
    pairs = parse_qsl(request.url.query, keep_blank_values=True)
    query = urlencode([(name, value) for name, value in pairs if name not in _SHOPIFYS])
    return own_page(f"{request.url.path}?{query}" if query else request.url.path)


def sign_in_page(*, note: str = "", shop: str = "", leads_to: str = HOME) -> str:
    """The address of the page that signs in, and then leads to that page."""
    given = {"note": note, "shop": shop, "next": "" if leads_to == HOME else leads_to}
    query = urlencode({name: value for name, value in given.items() if value})
    return f"/auth/sign-in?{query}" if query else "/auth/sign-in"
