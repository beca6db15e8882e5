"""What is said of the parts of a mail: files, invitations, what protects it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

from cplus.clock import zone
from cplus.mail import Invite
from cplus.web.kit.text import full_time

_KINDS: Final = {
    "application/octet-stream": "File",
    "application/pdf": "PDF",
    "application/zip": "ZIP archive",
    "application/msword": "Word document",
    "application/ms-tnef": "Outlook’s container",
    "application/vnd.ms-excel": "Excel sheet",
    "message/rfc822": "Mail",
    "text/calendar": "Calendar entry",
    "text/csv": "CSV table",
    "text/html": "HTML page",
    "text/plain": "Text",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "Excel sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "Presentation",
    "application/vnd.microsoft.portable-executable": "Windows program",
}
_FAMILIES: Final = {"image": "picture", "audio": "sound", "video": "video"}
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
        return _KINDS[content_type]
    family, _, rest = content_type.partition("/")
    plain = rest.removeprefix("x-").partition("+")[0].upper()
    if family in _FAMILIES:
        return f"{plain} {_FAMILIES[family]}"
    return content_type


def protection(files: Sequence[Typed] | None, text: str | None) -> str:
    """What a mail is protected by, if it is; empty otherwise."""
    types = {one.content_type for one in files or ()}
    said = (text or "").strip()
    if "application/pgp-encrypted" in types or said.startswith(_PGP_TEXT):
        return "This mail is encrypted with PGP. It cannot be read here; the original is here:"
    if types & _SMIME and not said:
        return "This mail is encrypted with S/MIME. It cannot be read here; the original is here:"
    if types & (_SMIME | _SMIME_SIGNED):
        return "This mail is signed with S/MIME. The signature is not checked here."
    if "application/pgp-signature" in types:
        return "This mail is signed with PGP. The signature is not checked here."
    return ""


def when_of(invite: Invite, timezone: str | None) -> str:
    """When an event takes place, in the shop's time zone."""
    said = [_moment(one, timezone) for one in (invite.begins, invite.ends) if one is not None]
    return " – ".join(dict.fromkeys(said))


def _moment(moment: object, timezone: str | None) -> str:
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            return f"{moment:%Y-%m-%d %H:%M} (the sender’s time)"
        return full_time(moment, zone(timezone))
    return str(moment)
