"""The texts of the scripts, which come with each page in its language."""

from __future__ import annotations

from typing import Final

from cplus.web.kit.i18n import translated
from cplus.wording import Worded, worded

_TEXTS: Final[dict[str, Worded]] = {
    "updated": worded("This page was updated."),
    "copied": worded("Copied"),
    "copied_what": worded("Copied: %(text)s"),
    "selected": worded("Selected. Copy it with your keyboard or menu."),
    "hide_quoted": worded("Hide quoted text and signature"),
    "part": worded("Part %(number)s of %(count)s"),
    "downloaded": worded("Downloaded."),
    "pieces_failed": worded(
        "That didn’t work. Try again; after 15 minutes, open the file from its message again."
    ),
    "open_again": worded("Open the app again"),
    "not_loaded": worded("The page couldn’t be loaded. Check your connection and try again."),
    "window_blocked": worded(
        "Your browser blocked the new window. Allow pop-ups for Shopify and try again."
    ),
    "window_failed": worded("The window couldn’t be opened. Try again."),
    "not_taken": worded("It wasn’t taken."),
    "not_uploaded": worded("It couldn’t be uploaded. Check your connection."),
    "uploading": worded("Uploading %(name)s"),
    "try_again": worded("Try again"),
    "try_again_file": worded("Try again %(name)s"),
    "remove": worded("Remove"),
    "remove_file": worded("Remove %(name)s"),
    "size_of": worded("%(sent)s of %(size)s"),
    "too_large": worded("These files are %(size)s together; a mail takes %(most)s. Take one out."),
    "too_many": worded("These are %(count)s files; a mail takes %(most)s. Take one out."),
    "one_failed": worded("A file wasn’t uploaded. Try again, or remove it."),
    "wait": worded("Wait until your files are uploaded."),
    "sending_in": worded("Sending in %(seconds)s s"),
    "sending": worded("Sending"),
    "scope_granted": worded("Allowed. It shows here soon."),
    "scope_declined": worded("Not allowed, so nothing changes."),
    "scope_failed": worded("Shopify couldn’t be asked. Try again."),
    "saved_count": worded("%(count)s saved replies. Choose with the arrow keys."),
    "saved_none": worded("No saved reply has these words."),
    "saved_failed": worded("The saved replies couldn’t be loaded. Check your connection."),
    "saved_missing": worded("Fill in before you send: %(what)s"),
    "mention_count": worded("%(count)s members. Choose with the arrow keys."),
    "draft_not_saved": worded("Not saved yet. It is tried again."),
    "step": worded("Change %(number)s of %(count)s"),
    "install_again": worded("Install it again"),
}
"""By the name by which a script asks for it: `say("copied")`."""


def script_texts() -> dict[str, str]:
    """All of them, in the reader's language. Values stand in them as `%(name)s`."""
    return {name: translated(text) for name, text in _TEXTS.items()}
