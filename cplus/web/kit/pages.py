"""Templates and static files: read once when the app is made, then served from memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import CodeType
from typing import Any, Final
from urllib.parse import urlencode

from fastapi.responses import HTMLResponse, Response
from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup

from cplus.clock import Clock, zone
from cplus.counts import counted
from cplus.mail import PICTURES
from cplus.web.kit import formats, i18n, order_text, part_text, states, text
from cplus.web.kit.script_texts import script_texts

_HERE: Final = Path(__file__).parents[1]
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Static:
    """A file as it is served."""

    name: str
    """With a part of its content's hash in it: it may be kept for ever."""
    body: bytes
    content_type: str


class _Compiled(BytecodeCache):
    """What the templates were compiled to: once in a process, however many apps it makes."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Gives the code, if it was compiled from the same source."""
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keeps the code."""
        if bucket.code is not None:
            self._code[bucket.key, bucket.checksum] = bucket.code


_COMPILED: Final = _Compiled()


_SOON: Final = timedelta(minutes=2)
PIECE: Final = 4 * 1024 * 1024
"""Bytes of one answer at most: Lambda's is limited to 6 MB, in Base64."""


class Pages:
    """Renders templates; `clock` tells what is "today", `admin` is where Shopify's Admin is."""

    def __init__(self, clock: Clock, admin: str) -> None:
        self._clock = clock
        self._statics = {path.name: _static(path) for path in sorted((_HERE / "static").iterdir())}
        self._environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            bytecode_cache=_COMPILED,
            auto_reload=False,
            autoescape=True,
            undefined=StrictUndefined,
            finalize=i18n.shown,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        # What the extension makes of a text in a template, with our functions in place of its own.
        self._environment.newstyle_gettext = True  # type: ignore[attr-defined]
        self._environment.policies["ext.i18n.trimmed"] = True
        self._environment.filters.update(
            linked=text.linked,
            breakable=text.breakable,
            host=text.host,
            folded=text.folded,
            initials=text.initials,
            hue=text.hue,
            words=states.words,
            interval=states.interval,
            called=text.called,
            titled=text.titled,
            sender=text.sender,
            author=text.author,
            doer=text.doer,
            sentence=text.sentence,
            mentioned=text.mentioned,
            bounce=text.bounce,
            rejection=text.rejection,
            failure=text.failure,
            answer_refusal=text.answer_refusal,
            aside=text.aside,
            aside_label=text.aside_label,
            calendar=formats.calendar,
            shipment=order_text.shipment,
            counted=counted,
            when=self._when,
            span=formats.span,
            filesizeformat=formats.size,
            number=i18n.number,
            kind=part_text.kind,
            protection=part_text.protection,
            when_of=part_text.when_of,
        )
        self._environment.globals.update(
            # The extension's own `_` looks for `gettext` in a copy of all that a loop knows.
            _=i18n.gettext_of_page,
            gettext=i18n.gettext_of_page,
            ngettext=i18n.ngettext_of_page,
            language=i18n.language,
            script_texts=script_texts,
            static=self.address,
            shown_types=PICTURES,
            piece=PIECE,
            money=formats.money,
            brief=self._brief,
            is_ahead=self._is_ahead,
            full=_full,
            exact=_exact,
            date=_date,
            optional_scopes=frozenset(),
            in_admin=lambda shop, path: order_text.in_admin(admin, shop, path),
        )

    def offer(self, **tools: Any) -> None:
        """Lets all templates call these by name."""
        self._environment.globals.update(tools)

    def address(self, name: str) -> str:
        """Where the static file `name` is served."""
        return f"/static/{self._statics[name].name}"

    def static(self, asked: str) -> Response | None:
        """The file of a name as `address` gives it. A name with another hash is answered too,
        with what there is now: while a new version is rolled out, old pages ask for old names."""
        for plain, file in self._statics.items():
            stem, suffix = plain.rsplit(".", 1)
            if asked == file.name:
                cached = "public, max-age=31536000, immutable"
            elif asked.startswith(f"{stem}.") and asked.endswith(f".{suffix}"):
                cached = "no-cache"
            else:
                continue
            headers = {"Cache-Control": cached}
            return Response(file.body, media_type=file.content_type, headers=headers)
        return None

    def script(self, name: str) -> Response:
        """A static file under an address that stays the same: browsers ask whether it is new."""
        file = self._statics[name]
        headers = {"Cache-Control": "no-cache"}
        return Response(file.body, media_type=file.content_type, headers=headers)

    def render(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """A page. `frame` is what it knows of the Admin's frame, of a merchant's page as `me` has
        it; None in a window of its own."""
        values.setdefault("frame", getattr(values.get("me"), "frame", None))
        # What cannot be encoded (half a character, from a stranger's mail) shows as a mark.
        body = self._environment.get_template(template).render(values).encode("utf-8", "replace")
        return HTMLResponse(body, status)

    def _is_ahead(self, moment: datetime | None) -> bool:
        """Whether a moment is still to come, and more than what a reply waits to be undone."""
        return moment is not None and moment - self._clock() > _SOON

    def _when(self, moment: datetime, timezone: str | None) -> Markup:
        return formats.time_tag(moment, self._clock(), zone(timezone))

    def _brief(self, moment: datetime, timezone: str | None) -> str:
        return formats.brief_time(moment, self._clock(), zone(timezone))


def links(path: str, cursor: str | None, following: str | None, **shown: str) -> dict[str, Any]:
    """What a list needs to lead to its other pages, as a template takes it: the address of the
    first one, if this is a later one (it has a cursor), and of the `following` one, if there is
    one. `shown` says which list it is."""
    return {
        "first": f"{path}?{urlencode(shown)}" if cursor else None,
        "following": (f"{path}?{urlencode({**shown, 'cursor': following})}" if following else None),
    }


def _full(moment: datetime, timezone: str | None) -> str:
    return formats.full_time(moment, zone(timezone))


def _exact(moment: datetime, timezone: str | None) -> str:
    return formats.exact_time(moment, zone(timezone))


def _date(moment: datetime, timezone: str | None) -> str:
    return formats.date(moment, zone(timezone))


def _static(path: Path) -> Static:
    body = path.read_bytes()
    hashed = hashlib.sha256(body).hexdigest()[:12]
    return Static(f"{path.stem}.{hashed}{path.suffix}", body, _TYPES[path.suffix])
