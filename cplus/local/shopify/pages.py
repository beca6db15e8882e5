"""The few pages of the local Shopify that a person sees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from cplus.local.shopify.state import LocalShop

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto;
        padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #8884 }}
button {{ font: inherit; padding: .5rem 1.2rem; border: 0; border-radius: .4rem;
         background: #1a1a1a; color: #fff; cursor: pointer }}
.note {{ color: #666; font-size: .9rem }}
</style></head><body>{body}
<p class="note">This is a Shopify that runs on this machine, to try the app against.
It is not Shopify.</p></body></html>
"""

_SCOPES = {
    "read_customers": "View customers: names, addresses, notes and whether they want marketing",
    "read_customer_merge": "See when two customers are merged into one",
    "read_orders": "View orders: what was bought, when, and for how much",
}


def page(title: str, body: str) -> str:
    """A whole page; `body` is HTML."""
    return _PAGE.format(title=escape(title), body=body)


def shops_page(shops: Iterable[LocalShop], installed: Mapping[str, str]) -> str:
    """The shops, and a link to install the app on each; `installed` maps hosts to scopes."""
    rows = "".join(_row(shop, installed.get(shop.host)) for shop in shops)
    table = f"<table><tr><th>Shop</th><th>Customers</th><th>App</th></tr>{rows}</table>"
    return page("Shops", f"<h1>Shops</h1>{table if rows else '<p>There are no shops yet.</p>'}")


def consent_page(shop: LocalShop, fields: Mapping[str, str]) -> str:
    """Asks the merchant to grant the app its scopes; the form brings `fields` back."""
    scopes = "".join(
        f"<li>{escape(_SCOPES.get(scope, scope))}</li>"
        for scope in fields.get("scope", "").split(",")
    )
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )
    body = (
        f"<h1>Install app</h1><p><strong>Conversations Plus</strong> asks for access to "
        f"<strong>{escape(shop.name)}</strong> ({escape(shop.host)}):</p><ul>{scopes}</ul>"
        f'<form method="post">{hidden}<button type="submit">Install app</button></form>'
        f'<p><a href="/">Cancel</a></p>'
    )
    return page("Install app", body)


def problem_page(text: str) -> str:
    """Says what is wrong with a request that a browser made."""
    return page("Something is wrong", f"<h1>Something is wrong</h1><p>{escape(text)}</p>")


def _row(shop: LocalShop, scopes: str | None) -> str:
    state = f"installed ({escape(scopes)})" if scopes is not None else "not installed"
    verb = "Install again" if scopes is not None else "Install"
    return (
        f"<tr><td>{escape(shop.name)}<br><small>{escape(shop.host)}</small></td>"
        f"<td>{len(shop.customers)}</td>"
        f'<td>{state}<br><a href="/{escape(shop.host)}/install">{verb}</a></td></tr>'
    )
