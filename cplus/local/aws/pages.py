"""The mailbox as pages for people and as JSON for programs, under /_mailbox/."""

from __future__ import annotations

import datetime as dt
from email.utils import parseaddr
from typing import Any

import nh3
from aiohttp import web
from jinja2 import DictLoader, Environment

from cplus.local.aws.email.mailbox import Mailbox

_BASE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><title>{{ title }}</title>
<style>
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
color:#1f2328;background:#fff}
a{color:#0b57d0}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #d8dee4;vertical-align:top}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit}
td{overflow-wrap:break-word}.moment{white-space:nowrap}
form{display:flex;flex-wrap:wrap;gap:.5rem;margin:1rem 0}
input,button{font:inherit;padding:.3rem .6rem}
input{flex:1 1 12rem;min-width:0}h1{overflow-wrap:anywhere}
@media (max-width:40rem){body{margin:1rem auto}table,tbody,tr,td{display:block}
tr:first-child{display:none}td{border:0;padding:.1rem 0}
tr{border-bottom:1px solid #d8dee4;padding:.6rem 0}dl{grid-template-columns:1fr}}
.note{color:#59636e}dt{color:#59636e}dl{display:grid;grid-template-columns:8rem 1fr;gap:.2rem}
dd{margin:0;overflow-wrap:anywhere}article{border:1px solid #d8dee4;border-radius:8px;padding:1rem}
:root{color-scheme:light dark}
@media (prefers-color-scheme:dark){body{background:#151716;color:#e8edea}a{color:#8ab8ff}
th,td,tr,article{border-color:#3a423e!important}.note,dt{color:#a3aea8}}
</style><h1>{{ title }}</h1>{% block content %}{% endblock %}</html>"""

_LIST = """{% extends "base" %}{% block content %}
<p class="note">Email sent by the app. None of it leaves this machine.</p>
<form action="/_mailbox/"><input type="search" name="to" value="{{ to }}" aria-label="Recipient"
placeholder="Recipient, for example ann@example.com"><button>Show</button></form>
{% if entries %}<table><tr><th>Sent (UTC)<th>From<th>To<th>Subject<th>Status</tr>
{% for e in entries %}<tr><td class="moment">{{ e.time|moment }}<td>{{ e|sender }}
<td>{{ e.recipients|join(", ") }}
<td><a href="/_mailbox/{{ e.message_id }}">{{ e.subject or "(no subject)" }}</a>
<td>{{ e.events|status }}</tr>{% endfor %}</table>
{% elif to %}<p>No mail has been sent to {{ to }}. <a href="/_mailbox/">All mail</a>
{% else %}<p>No mail has been sent yet.</p>{% endif %}{% endblock %}"""

_VIEW = """{% extends "base" %}{% block content %}
<p><a href="/_mailbox/">All mail</a> · <a href="/_mailbox/{{ e.message_id }}.eml">Raw message</a>
<dl><dt>From<dd>{{ e["from"] }}<dt>To<dd>{{ e.to }}<dt>Envelope<dd>{{ e.recipients|join(", ") }}
<dt>Sent (UTC)<dd>{{ e.time|moment }}<dt>Message-ID<dd>{{ e.header_id }}
{% if e.in_reply_to %}<dt>In reply to<dd>{{ e.in_reply_to }}{% endif %}
<dt>Status<dd>{{ e.events|status }}
{% for name, value in e.tags.items() %}<dt>{{ name }}<dd>{{ value }}{% endfor %}</dl>
<article>{% if e.text %}<pre>{{ e.text }}</pre>{% else %}{{ clean|safe }}{% endif %}</article>
{% endblock %}"""

_FATES = {"Delivery": "delivered", "Bounce": "bounced", "Complaint": "marked as spam"}
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'self'"
)


def _moment(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")


def _status(events: list[str]) -> str:
    """The delivery status of a mail, for people."""
    known = [name for name in events if name != "Send"]
    return ", ".join(_FATES.get(name, name.lower()) for name in known) or "sent"


def _sender(entry: dict[str, Any]) -> str:
    """The shop that a mail is from: its display name, or else the address."""
    name, address = parseaddr(entry["from"])
    return name or address


def _pages() -> Environment:
    pages = Environment(
        loader=DictLoader({"base": _BASE, "list": _LIST, "view": _VIEW}), autoescape=True
    )
    pages.filters.update(moment=_moment, status=_status, sender=_sender)
    return pages


_PAGES = _pages()


def respond(mailbox: Mailbox, request: web.Request) -> web.Response:
    """Handles a GET under /_mailbox/: the list, one mail, its bytes, or `messages.json`, which
    takes `to=ADDRESS`, and `after=N` to leave out the first N."""
    name = request.path.removeprefix("/_mailbox").strip("/")
    if not name:
        to = request.query.get("to", "").strip()
        return _page("list", title="Mailbox", to=to, entries=mailbox.find(to=to)[::-1])
    if name == "messages.json":
        found = mailbox.find(to=request.query.get("to", ""))
        after = request.query.get("after", "")
        return web.json_response({"messages": found[int(after) if after.isdecimal() else 0 :]})
    entry = mailbox.get(name.removesuffix(".eml"))
    if entry is None:
        return web.Response(status=404, text="There is no such mail.")
    if name.endswith(".eml"):
        return web.Response(
            body=mailbox.raw(entry),
            content_type="message/rfc822",
            headers={"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"},
        )
    # Remote images are removed: viewing a mail here makes no network requests.
    clean = nh3.clean(entry["html"], tags=nh3.ALLOWED_TAGS - {"img"})
    return _page("view", title=entry["subject"] or "(no subject)", e=entry, clean=clean)


def _page(template: str, **values: Any) -> web.Response:
    return web.Response(
        text=_PAGES.get_template(template).render(**values),
        content_type="text/html",
        headers={"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"},
    )
