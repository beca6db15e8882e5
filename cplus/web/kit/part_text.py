"""What is said of the parts of a mail: files, invitations, what protects it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from cplus.clock import zone
from cplus.mail import Invite
from cplus.web.kit.formats import clock_time, full_time
from cplus.web.kit.formats import date as day_of
from cplus.web.kit.i18n import gettext as _
from cplus.web.kit.i18n import translated
from cplus.wording import worded

_KINDS: Final = {
    "application/octet-stream": worded("File"),
    "application/pdf": worded("PDF"),
    "application/zip": worded("ZIP archive"),
    "application/msword": worded("Word document"),
    "application/ms-tnef": worded("Outlook’s container"),
    "application/vnd.ms-excel": worded("Excel sheet"),
    "message/rfc822": worded("Mail"),
    "text/calendar": worded("Calendar entry"),
    "text/csv": worded("CSV table"),
    "text/html": worded("HTML page"),
    "text/plain": worded("Text"),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": worded(
        "Word document"
    ),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": worded("Excel sheet"),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": worded(
        "Presentation"
    ),
    "application/vnd.microsoft.portable-executable": worded("Windows program"),
}
_SMIME: Final = {"application/pkcs7-mime", "application/x-pkcs7-mime"}
_SMIME_SIGNED: Final = {"application/pkcs7-signature", "application/x-pkcs7-signature"}
_PGP_TEXT: Final = "-----BEGIN PGP MESSAGE-----"


class Typed(Protocol):
    """A file of which the type is known."""

    @property
    def content_type(self) -> str:
        """For example `image/png`."""


def kind(content_type: str) -> str:
    """What a file is, for people."""
    if content_type in _KINDS:
        return translated(_KINDS[content_type])
    family, rest = content_type.partition("/")[::2]
    plain = rest.removeprefix("x-").partition("+")[0].upper()
    match family:
        case "image":
            return _("%(kind)s picture", kind=plain)
        case "audio":
            return _("%(kind)s sound", kind=plain)
        case "video":
            return _("%(kind)s video", kind=plain)
    return content_type


def protection(files: Sequence[Typed] | None, text: str | None) -> str:
    """What a mail is protected by, if it is; empty otherwise."""
    types = {one.content_type for one in files or ()}
    said = (text or "").strip()
    if "application/pgp-encrypted" in types or said.startswith(_PGP_TEXT):
        return _("This mail is encrypted with PGP. It cannot be read here; the original is here:")
    if types & _SMIME and not said:
        return _(
            "This mail is encrypted with S/MIME. It cannot be read here; the original is here:"
        )
    if types & (_SMIME | _SMIME_SIGNED):
        return _("This mail is signed with S/MIME. The signature is not checked here.")
    if "application/pgp-signature" in types:
        return _("This mail is signed with PGP. The signature is not checked here.")
    return ""


def when_of(invite: Invite, timezone: str | None) -> str:
    """When an event takes place, in the shop's time zone, which is named: the sender's may be
    another. A time without zone is as the sender wrote it."""
    begins, ends = invite.begins, invite.ends
    if not isinstance(begins, datetime):
        return "" if begins is None else _days(begins, ends)
    own = begins.tzinfo is None
    at = ZoneInfo("UTC") if own else zone(timezone)
    first = begins.replace(tzinfo=UTC) if own else begins
    when = full_time(first, at)
    if isinstance(ends, datetime) and ends != begins and (ends.tzinfo is None) == own:
        last = ends.replace(tzinfo=UTC) if own else ends
        same = last.astimezone(at).date() == first.astimezone(at).date()
        when += f" – {clock_time(last, at) if same else full_time(last, at)}"
    if own:
        return _("%(time)s (the sender’s time)", time=when)
    return f"{when} ({at.key.replace('_', ' ')})"


def _days(first: date, end: date | None) -> str:
    """Whole days: the end is the day after the last (RFC 5545, section 3.6.1)."""
    last = end - timedelta(days=1) if end is not None and end > first else first
    midnights = [datetime.combine(day, time(), UTC) for day in (first, last)]
    return " – ".join(dict.fromkeys(day_of(one, ZoneInfo("UTC")) for one in midnights))
