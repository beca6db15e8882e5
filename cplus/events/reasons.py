"""Why a cause led to no event, as a code that programs compare and words that people read.

Both are stored. Words may be written better at any time; codes never change.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple


class Code(StrEnum):
    """All codes that there are. Those of `refused/` are of webhooks that were understood, and what
    they asked for was refused when they came; those of `untranslated/` may become events later."""

    ANOTHER_SHOP = "refused/another_shop"
    NO_SHOP = "refused/no_shop"
    ANOTHER_HOST = "refused/another_host"
    ANOTHER_TOPIC = "refused/another_topic"
    STILL_INSTALLED = "refused/still_installed"
    NOT_INSTALLED = "refused/not_installed_since_erasure"
    FROM_BEFORE = "refused/from_before_erasure"

    UNREADABLE = "untranslated/unreadable"
    FAILED = "untranslated/failed"
    TOO_LARGE = "untranslated/cannot_be_stored"
    SHOP_UNKNOWN = "untranslated/shop_unknown"
    INSTALLATION_UNKNOWN = "untranslated/installation_unknown"


class Reason(NamedTuple):
    """Why a cause led to no event."""

    code: Code
    words: str


_REFUSED: Final = "refused/"

_STORED_WITHOUT_CODE: Final = {
    "the body names another shop": Code.ANOTHER_SHOP,
    "the body names no shop": Code.NO_SHOP,
    "the body names, by its id, a shop that is known by another host": Code.ANOTHER_HOST,
    "the body is one of another topic": Code.ANOTHER_TOPIC,
    "the app is still installed: Shopify takes its tokens": Code.STILL_INSTALLED,
    "the shop was erased, and the app was not installed since": Code.NOT_INSTALLED,
    "it happened before the shop was erased": Code.FROM_BEFORE,
}
"""The words of refusals that releases from before December 2026 stored, which had no codes. They
are frozen: nothing here is the wording of today."""


def was_refused(code: str | None, words: str | None) -> bool:
    """Whether a commit with this code and these words holds a webhook that was refused. One that
    newer code stored is judged by the family of its code."""
    known = code if code is not None else _STORED_WITHOUT_CODE.get(words or "")
    return known is not None and known.startswith(_REFUSED)
