"""The Admin's page around the app."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from urllib.parse import urlsplit

from cplus.local.shopify.admin.registered import Registered
from cplus.local.shopify.pages import ICON
from cplus.local.shopify.state import LocalShop
from cplus.shopify.hosts import shop_name

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{app} · {shop} · Local Shopify</title><link rel="icon" href="{icon}">
<link rel="stylesheet" href="/_admin/admin.css"><script src="/_admin/admin.js" defer></script>
</head><body>
<header id="top">
<button type="button" id="menu-button" aria-controls="side" aria-expanded="false">Menu</button>
<a class="home" href="/">Local Shopify</a><span class="shop">{shop}</span>
<div id="save-bar" role="region" aria-label="Unsaved changes" hidden>
<strong>Unsaved changes</strong><span id="blocked" role="alert"></span>
<button type="button" id="discard">Discard</button>
<button type="button" id="save" class="primary">Save</button></div>
<div id="loading" role="progressbar" aria-label="Loading" hidden></div>
</header>
<aside id="side">
<nav aria-label="{app}"><a id="app-home" href="{base}">{app}</a><ul id="app-menu"></ul></nav>
<form method="post" action="/store/{handle}/user" id="who"><label for="user">Signed in as</label>
<select id="user" name="user">{staff}</select><button>Change</button></form>
<form method="post" action="/store/{handle}/uninstall" id="remove">
<button class="remove">Uninstall the app</button></form>
<p>A local Shopify, running on this machine for trying out the app. It is not Shopify.</p>
</aside>
<main>
<h1 id="title">{app}</h1>
<div id="gone" role="alert" hidden><p>{app} isn’t installed in this shop any more.</p>
<p><a href="{base}">Install it again</a></p></div>
<iframe id="app" name="app-iframe" title="{app}" src="{source}" data-origin="{origin}"
 data-base="{base}" data-name="{app}" data-tokens="/store/{handle}/id_token"
 data-grants="/store/{handle}/scopes"
 allow="clipboard-write"></iframe>
</main>
<dialog id="grant" aria-labelledby="grant-title"><form method="dialog">
<h2 id="grant-title">{app} asks for more access</h2><ul id="asked"></ul>
<button value="allow" class="primary">Allow</button> <button value="decline">Decline</button>
</form></dialog>
<div id="toasts" role="status" aria-live="polite"></div>
</body></html>
"""


def frame_page(
    shop: LocalShop, *, app: Registered, source: str, staff: Mapping[str, str], user: str
) -> str:
    """The page whose frame loads `source`; `user` is the member of `staff` who is signed in."""
    parts, handle = urlsplit(source), shop_name(shop.host)
    options = "".join(
        f'<option value="{escape(one)}"{" selected" * (one == user)}>{escape(name)}</option>'
        for one, name in staff.items()
    )
    return _PAGE.format(
        app=escape(app.name),
        shop=escape(shop.name),
        icon=ICON,
        handle=handle,
        base=f"/store/{handle}/apps/{app.handle}",
        staff=options,
        source=escape(source),
        origin=escape(f"{parts.scheme}://{parts.netloc}"),
    )
