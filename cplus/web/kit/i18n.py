"""The language of a page: which it is, and our texts and numbers in it.

English is the language of the code. Every other language is a folder of `cplus/web/locale` with a
catalog in the format of GNU gettext; docs/how-to/translate.md says how texts are written.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from contextvars import ContextVar
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Any, Final

from babel.core import Locale
from babel.numbers import format_decimal
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from cplus.web.kit.cookies import LANGUAGE, Cookies
from cplus.wording import Worded

ENGLISH: Final = "en"
"""The language of the code, and of whoever reads none of the others."""

LOCALES: Final = Path(__file__).parents[1] / "locale"

LANGUAGES: Final = (ENGLISH, *sorted(path.name for path in LOCALES.iterdir() if path.is_dir()))
"""Those in which there are pages."""

_WANTED: Final = re.compile(
    r"\s*([A-Za-z]{1,8})(?:[-_][A-Za-z0-9-]{1,40})?\s*(?:;\s*q=([01]\.?\d{0,3}))?\s*"
)
_LONGEST: Final = 500  # characters of a header that are read

# Control characters, and all marks that turn the direction of what follows around, to make a text
# read as another: all that embed, override or isolate (Unicode Standard Annex 9, explicit
# directional formatting).
_TURNS: Final = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
_CONTROLS: Final = (*range(9), 11, 12, *range(14, 32), *range(127, 160))
TRICKS: Final = dict.fromkeys([*_CONTROLS, *_TURNS])
"""For `str.translate`: takes away what only deceives."""

_KEPT: Final = 4_096  # texts and numbers that are not made again

_language: ContextVar[str] = ContextVar("language", default=ENGLISH)


def language() -> str:
    """The language of whoever is answered now, for example `de`."""
    return _language.get()


def speak(chosen: str) -> None:
    """Answers in this language from now on, in this task."""
    _language.set(chosen if chosen in LANGUAGES else ENGLISH)


def called(chosen: str) -> str:
    """What the language calls itself: `Deutsch`."""
    return (Locale(chosen).get_display_name() or chosen).capitalize()


def catalog_of(chosen: str) -> Path:
    """The file with the texts of a language other than English."""
    return LOCALES / chosen / "LC_MESSAGES" / "messages.po"


@cache
def _texts(chosen: str) -> NullTranslations:
    """Read from the catalog as translators write it: there is nothing to compile before. The first
    page in a language pays for that, once in a process."""
    if chosen == ENGLISH:
        return NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with catalog_of(chosen).open("rb") as file:
        catalog = read_po(file, locale=chosen)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)


def gettext(message: str, **values: Any) -> str:
    """The text in the reader's language, with its values: `_("%(name)s replied", name=name)`."""
    return _filled(_texts(language()).gettext(message), values)


def ngettext(one: str, many: str, num: int, **values: Any) -> str:
    """The same with a count: `ngettext("%(num)s file", "%(num)s files", number)`."""
    return _filled(_texts(language()).ngettext(one, many, num), {"num": num, **values})


def translated(text: str) -> str:
    """A text that was made where nobody knows of languages, in the reader's; others stay."""
    if not isinstance(text, Worded):
        return text
    if text.many:
        return ngettext(text.message, text.many, **text.values)
    return gettext(text.message, **text.values)


def number(value: float) -> str:
    """A number for people: `2,000`; in German `2.000`."""
    return _number(value, language())


@lru_cache(_KEPT, typed=True)
def _number(value: float, locale: str) -> str:
    return format_decimal(value, locale=locale)


def shown(value: object) -> object:
    """A value as it goes onto a page: our texts in the reader's language, others without what only
    deceives."""
    if type(value) is str:
        # All that deceives is not printable, and to ask for that is ten times as quick.
        return value if value.isprintable() else value.translate(TRICKS)
    return translated(value) if isinstance(value, Worded) else value


def _filled(text: str, values: Mapping[str, Any]) -> str:
    return text % {name: _value(value) for name, value in values.items()} if values else text


def _value(value: Any) -> Any:
    """A value as a text holds it: an int is a count."""
    return number(value) if type(value) is int else shown(value)


@pass_eval_context
def gettext_of_page(context: EvalContext, message: str, **values: Any) -> str:
    """`gettext` for templates, where a text may hold HTML, and its values are escaped."""
    if values or not context.autoescape:
        return _on_page(context, _texts(language()).gettext(message), values)
    return _plain_on_page(message, language())


@lru_cache(_KEPT)
def _plain_on_page(message: str, chosen: str) -> Markup:
    return Markup(_texts(chosen).gettext(message)) % {}  # noqa: S704  a text of ours


@pass_eval_context
def ngettext_of_page(context: EvalContext, one: str, many: str, num: int, **values: Any) -> str:
    """`ngettext` for templates."""
    text = _texts(language()).ngettext(one, many, num)
    return _on_page(context, text, {"num": num, **values})


def _on_page(context: EvalContext, text: str, values: Mapping[str, Any]) -> str:
    held = Markup(text) if context.autoescape else text  # noqa: S704  a text of ours
    # Jinja doubles each percent sign, also of a text without values.
    return held % {name: _value(value) for name, value in values.items()}


class Speaking:
    """Around every request: answers it in the language of whoever asks."""

    def __init__(self, app: ASGIApp, *, cookies: Cookies) -> None:
        self._app = app
        self._cookies = cookies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] == "http":
            speak(_wanted(Request(scope), self._cookies))
        await self._app(scope, receive, send)


def _wanted(request: Request, cookies: Cookies) -> str:
    """The language of a request: the one of Shopify's Admin, the one that this member chose, the
    ones that the browser asks for. The operator console is in English."""
    if request.url.path.startswith("/console"):
        return ENGLISH
    asked = [request.query_params.get("locale", ""), cookies.held(request, LANGUAGE) or ""]
    asked += _by_weight(request.headers.get("accept-language", "")[:_LONGEST])
    found = (match[1].lower() for one in asked if (match := _WANTED.fullmatch(one)))
    return next((one for one in found if one in LANGUAGES), ENGLISH)


def _by_weight(header: str) -> list[str]:
    """The languages of an `Accept-Language`, the most wanted first (RFC 9110, 12.5.4)."""
    matches = [match for one in header.split(",") if (match := _WANTED.fullmatch(one))]
    weighed = [(float(match[2] or 1), match[1]) for match in matches]
    return [name for weight, name in sorted(weighed, key=lambda one: -one[0]) if weight > 0]
