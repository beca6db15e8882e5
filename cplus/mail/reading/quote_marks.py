"""Knows the elements of HTML in which mail programs put what they quote.

Sources: mails that these programs sent. An element in which their users also write, as in Gmail's
`div.gmail_quote` below the quote, is none.
"""

from __future__ import annotations

import re
from typing import Final

QUOTED: Final = "quoted"
"""The class of an element of which all is quoted."""
QUOTED_ON: Final = "quoted-on"
"""The class of an element with which a quote begins that goes on to the end of the mail."""
RULE: Final = "quote-rule"
"""The class of a line that Word draws above the headers of a quoted mail, or elsewhere."""

# A program that quotes such an element again puts x_ or letters and digits of its own before it.
_VALUE: Final = r"""\b(?:class|id|name)\s*=\s*(?:"[^"]*?|'[^']*?|)(?<![\w-])(?:x_)*"""
_QUOTED: Final = re.compile(
    rf"""{_VALUE}(?:gmail_attr|moz-cite-prefix|yahoo_quoted|zmail_extra|reply-intro
    |mail-editor-reference-message-container|ms-outlook-mobile-reference-message)(?!-)
    |\bname\s*=\s*["']?quote(?![\w-])""",
    re.IGNORECASE | re.VERBOSE,
)
_QUOTED_ON: Final = re.compile(
    rf"{_VALUE}(?:divRplyFwdMsg|OutlookMessageHeader|stopSpelling|replySplit)(?![\w-])",
    re.IGNORECASE,
)
_CITE: Final = re.compile(
    rf"""\btype\s*=\s*["']?cite(?![\w-])|{_VALUE}(?:gmail_quote|protonmail_quote|blockquote_zmail
    |iosymail)(?![\w-])""",
    re.IGNORECASE | re.VERBOSE,
)
_RULE: Final = re.compile(
    r"border:\s?none;\s?border-top:\s?solid #(?:E1E1E1|B5C4DF) 1\.0pt", re.IGNORECASE
)
MARKED: Final = frozenset({"blockquote", "div", "hr", "p"})
"""The elements that may get a class."""
_LONGEST: Final = 1_000
"""Characters of attributes that are looked at; those of mail programs are far shorter."""


def mark(name: str, attributes: str) -> str:
    """The class that a tag gets, as an attribute with a blank before it; empty for any other tag.

    It stands before the tag's own attributes, since of two that have the same name the first counts
    (HTML standard, 13.2.5.33).
    """
    if len(attributes) > _LONGEST or name not in MARKED:
        return ""
    if name == "blockquote":
        return f' class="{QUOTED}"' if _CITE.search(attributes) else ""
    if _QUOTED_ON.search(attributes):
        return f' class="{QUOTED_ON}"'
    if _QUOTED.search(attributes):
        return f' class="{QUOTED}"'
    return f' class="{RULE}"' if name == "div" and _RULE.search(attributes) else ""
