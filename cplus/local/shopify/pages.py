"""The pages of the local Shopify that people see."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from html import escape

from cplus.counts import counted
from cplus.local.shopify.state import LocalShop

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><link rel="icon" href="{icon}">
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto;
        padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #8884;
         vertical-align: top }}
td.host {{ min-width: 9rem; overflow-wrap: anywhere }}
.number {{ text-align: right }}
.ways {{ display: flex; flex-wrap: wrap; gap: .3rem 1rem; align-items: center }}
.ways button {{ padding: .2rem .7rem; background: none; color: inherit;
               border: 1px solid #8888 }}
@media (max-width: 34rem) {{ body {{ margin: 1rem auto }} .number {{ display: none }} }}
button {{ font: inherit; padding: .5rem 1.2rem; border: 1px solid transparent; border-radius: .4rem;
         background: #1a1a1a; color: #fff; cursor: pointer }}
.note {{ color: #666; font-size: .9rem }}
@media (prefers-color-scheme: dark) {{
  body {{ background: #151716; color: #e8edea }} a {{ color: #8ab8ff }} .note {{ color: #a3aea8 }}
  form > button {{ background: #e8edea; color: #151716 }}
  .ways button {{ background: none; color: inherit }}
}}
</style></head><body>{body}
<p class="note">A local Shopify, running on this machine for trying out the app.
It is not Shopify.</p></body></html>
"""
# In the page itself, so that no browser asks for /favicon.ico.
ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Crect width='16' height='16' rx='4' fill='%235a7d2a'/%3E%3C/svg%3E"
)

_BACK = '<p><a href="/">All shops</a></p>'
SCOPES = {
    "read_customers": "View customers: names, addresses, notes and whether they want marketing",
    "read_customer_merge": "See when two customers are merged into one",
    "read_fulfillments": "View fulfillments: what was sent, and how far it is",
    "read_orders": "View orders: what was bought, when, and for how much",
}


def page(title: str, body: str) -> str:
    """A complete page; `body` is HTML."""
    return _PAGE.format(title=escape(title), body=body, icon=ICON)


def shops_page(
    shops: Collection[LocalShop], installed: Mapping[str, str], admin: Callable[[str], str]
) -> str:
    """The list of shops with the app's actions for each; `installed` maps hosts to scopes, and
    `admin` says where the app is in the Admin of a host."""
    rows = "".join(_row(shop, installed.get(shop.host), admin(shop.host)) for shop in shops)
    table = (
        '<table><tr><th>Shop</th><th class="number">Customers</th><th>Conversations Plus</th></tr>'
        f"{rows}</table>"
    )
    hint = ""
    if rows and all(shop.host in installed for shop in shops):
        hint = "<p>To install the app from nothing, uninstall it from a shop first.</p>"
    body = (
        "<h1>Local Shopify</h1><p>Stands in for Shopify on this machine: it has the shops below, "
        "grants the app access to them, shows it in their Admin and sends it webhooks."
        f"</p>{hint}{table if rows else '<p>There are no shops yet.</p>'}"
    )
    return page("Local Shopify", body)


def consent_page(shop: LocalShop, fields: Mapping[str, str], *, update: bool = False) -> str:
    """Asks the merchant to grant the app its scopes; the form sends `fields` back. With `update`,
    the app is installed, and a new version of it asks for more."""
    scopes = "".join(
        f"<li>{escape(SCOPES.get(scope, scope))}</li>"
        for scope in fields.get("scope", "").split(",")
    )
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )
    act = "Update app" if update else "Install app"
    body = (
        f"<h1>{act}</h1><p><strong>Conversations Plus</strong> asks for access to "
        f"<strong>{escape(shop.name)}</strong> ({escape(shop.host)}):</p><ul>{scopes}</ul>"
        f'<form method="post">{hidden}<button type="submit">{act}</button></form>'
        f'<p><a href="/">Cancel</a></p>'
    )
    return page(act, body)


def optional_page(shop: LocalShop, scopes: Collection[str]) -> str:
    """Asks the merchant for optional scopes, which they may decline."""
    asked = "".join(f"<li>{escape(SCOPES.get(one, one))}</li>" for one in scopes)
    body = (
        f"<h1>Allow more</h1><p><strong>Conversations Plus</strong> asks for more access to "
        f"<strong>{escape(shop.name)}</strong> ({escape(shop.host)}):</p><ul>{asked}</ul>"
        '<form method="post"><button name="answer" value="allow">Allow</button> '
        '<button name="answer" value="decline">Decline</button></form>'
    )
    return page("Allow more", body)


def other_page(shop: LocalShop, path: str, app: str) -> str:
    """Says what a page of the Admin would be that is not here; `app` is the app's address."""
    title = "Not in the local Shopify"
    what = f"<strong>{escape(path)}</strong>" if path else "the home page"
    body = (
        f"<h1>{title}</h1><p>On Shopify, this is {what} in the Admin of "
        f"{escape(shop.name)} ({escape(shop.host)}). The local Shopify shows no page of the Admin "
        f'but the app’s.</p><p><a href="{escape(app)}">Open the app</a></p>'
    )
    return page(title, body + _BACK)


def problem_page(text: str) -> str:
    """Shows what is wrong with a browser's request."""
    return page(
        "Something went wrong", f"<h1>Something went wrong</h1><p>{escape(text)}</p>{_BACK}"
    )


def _row(shop: LocalShop, scopes: str | None, address: str) -> str:
    host = escape(shop.host)
    name, dot, rest = host.partition(".")
    broken = f"{name}<wbr>{dot}{rest}"  # where a line may break within a host
    return (
        f'<tr><td class="host">{escape(shop.name)}<br><small>{broken}</small></td>'
        f'<td class="number">{len(shop.customers)}</td>'
        f"<td>{_app(host, scopes, escape(address))}</td></tr>"
    )


def _app(host: str, scopes: str | None, address: str) -> str:
    """Whether the app is installed, with the matching actions."""
    if scopes is None:
        return f'not installed<div class="ways"><a href="{address}">Install</a></div>'
    granted = [scope for scope in scopes.split(",") if scope]
    count = counted(len(granted), "scope")
    return (
        f"installed<details><summary>{count}</summary>{escape(', '.join(granted))}</details>"
        f'<div class="ways"><a href="{address}">Open the app</a>'
        f'<a href="/{host}/open">Open outside the Admin</a>'
        f'<form method="post" action="/{host}/uninstall"><button>Uninstall</button></form></div>'
    )
