"""The texts of the scripts, which come with each page in its language."""

from __future__ import annotations

from typing import Final

from cplus.web.kit.i18n import translated
from cplus.wording import Worded

_TEXTS: Final[dict[str, Worded]] = {}
"""By the name by which a script asks for it: `say("copied")`."""


def script_texts() -> dict[str, str]:
    """All of them, in the reader's language. Values stand in them as `%(name)s`."""
    return {name: translated(text) for name, text in _TEXTS.items()}
