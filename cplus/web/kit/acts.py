"""Which act each page and form of a merchant is; `cplus/commands/team.py` says who may do it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fastapi import HTTPException

from cplus.commands.team import Act, may
from cplus.events.catalogue.team import Role
from cplus.web.kit.i18n import translated
from cplus.wording import worded

_ONE: Final = "/conversations/{conversation_id}"
_MESSAGE: Final = f"{_ONE}/messages/{{message_id}}"
_PERSON: Final = "/privacy/people/{person}"

PAGES: Final[Mapping[str, Act]] = {
    **dict.fromkeys(
        (
            *("/", "/billing", "/metrics", "/search", "/getting-started", "/settings"),
            *("/api/changes", "/api/conversations/{conversation_id}", "/api/inbox"),
            *("/api/shop/changes", "/customers", "/customers/{person}"),
            "/customers/segments",
            *(_ONE, _MESSAGE, f"{_ONE}/history", f"{_ONE}/history/at"),
            f"{_ONE}/history/{{position}}",
            *("/messages/{message_id}/files/{file_id}", "/inbox", "/inbox/blocked"),
            *("/inbox/automatic", "/inbox/automatic/{message_id}"),
            *("/privacy", "/privacy/erasures", "/privacy/erasures/{erasure}"),
            *("/privacy/erasures/{erasure}/certificate", "/privacy/requests/{number}"),
            *("/settings/mail", "/settings/tags", "/settings/team"),
            *("/settings/saved-replies", "/settings/saved-replies/{reply}"),
        ),
        "look",
    ),
    **dict.fromkeys(
        (
            *("/settings/saved-replies/new", "/api/saved-replies"),
            "/api/conversations/{conversation_id}/saved-replies",
        ),
        "converse",
    ),
    **dict.fromkeys(("/conversations/new", f"{_ONE}/merge", f"{_MESSAGE}/move"), "converse"),
    **dict.fromkeys(("/customers/{person}/merge", "/inbox/drafts"), "converse"),
    **dict.fromkeys((_PERSON, f"{_PERSON}/erase", "/customers/export"), "privacy"),
}
"""What GET of a path does. A form's address that is no page leads back to one, by `look`."""

FORMS: Final[Mapping[str, Act]] = {
    **dict.fromkeys(
        (
            *(f"{_ONE}/{one}" for one in ("answer-to", "assign", "block", "close", "merge")),
            *(f"{_ONE}/{one}" for one in ("note", "not-spam", "priority", "reopen", "reply")),
            *(f"{_ONE}/{one}" for one in ("snooze", "spam", "tags", "unblock", "undo", "unmerge")),
            *(f"{_ONE}/{one}" for one in ("unsplit", "wake")),
            *(f"{_ONE}/failed/{{failure}}/{one}" for one in ("dismiss", "resend")),
            *(f"{_MESSAGE}/{one}" for one in ("move", "move-back", "split")),
            *("/conversations/new", "/api/uploads", "/inbox/bulk", "/inbox/undo"),
            *("/inbox/automatic/{message_id}/conversation",),
            *("/api/drafts", "/drafts/discard", "/drafts/restore"),
            *("/inbox/blocked/author", "/inbox/blocked/unblock"),
            *("/settings/tags/make", "/settings/tags/change", "/settings/tags/remove"),
            *("/settings/views/save", "/settings/views/remove"),
            *("/settings/saved-replies/save", "/settings/saved-replies/remove"),
            *("/customers/segments/save", "/customers/segments/remove"),
            *("/customers/{person}/notes", "/customers/{person}/notes/remove"),
            *("/customers/{person}/tags", "/customers/tags", "/customers/tags/undo"),
            *("/customers/{person}/merge", "/customers/{person}/unmerge"),
            "/settings/mail/signature",  # one's own; that of the shop is of `settings`
        ),
        "converse",
    ),
    **dict.fromkeys(
        (
            *("/settings/mail/{section}", "/settings/leads"),
            *("/getting-started/test", "/getting-started/guide"),
        ),
        "settings",
    ),
    **dict.fromkeys(
        ("/privacy/retention", f"{_PERSON}/export", f"{_PERSON}/erase", "/customers/export/file"),
        "privacy",
    ),
    **dict.fromkeys(
        ("/settings/team/role", "/settings/team/remove", "/settings/team/default"), "team"
    ),
    **dict.fromkeys(
        ("/inbox/keys", "/settings/language", "/settings/notifications", "/window"), "own"
    ),
}
"""What POST to a path does; a whole address stands before the form of its path."""

_OUT: Final = worded(
    "An owner of this shop’s team took you out of it. Ask them if you need this app again."
)
_READER: Final = worded(
    "You can read here, and change nothing. An owner can give you another role in Settings, Team."
)
_OWNERS: Final = worded(
    "Only owners can do this. Who they are, and what you may do, stands in Settings, Team."
)


def act_of(method: str, path: str, address: str) -> Act:
    """What a request does, by the path of its route and its address. What nobody declared is the
    owners' alone."""
    if method in {"GET", "HEAD"}:
        return PAGES.get(path) or ("look" if path in FORMS else "team")
    return FORMS.get(address) or FORMS.get(path) or "team"


def demand(role: Role | None, act: Act) -> None:
    """403 with words if a member with this role may not do that."""
    if not may(role, act):
        words = _OUT if role is None else _READER if role == "reader" else _OWNERS
        raise HTTPException(403, translated(words))
