"""What is said of the parts of a mail: files, invitations, what protects it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from cplus.clock import zone
from cplus.mail import Invite
from cplus.web.kit.formats import full_time
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
    """When an event takes place, in the shop's time zone."""
    said = [_moment(one, timezone) for one in (invite.begins, invite.ends) if one is not None]
    return " – ".join(dict.fromkeys(said))


def _moment(moment: object, timezone: str | None) -> str:
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            time = full_time(moment.replace(tzinfo=UTC), ZoneInfo("UTC"))
            return _("%(time)s (the sender’s time)", time=time)
        return full_time(moment, zone(timezone))
    return str(moment)
