"""A mail once it is read."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class Attachment(BaseModel):
    """A part of the mail that is a file. Its bytes stay in the raw mail."""

    model_config = ConfigDict(frozen=True)

    part: int
    """Its place among all parts of the mail, from 0, as `attachment_bytes` wants it."""
    name: str
    """Never empty; derived from the type if the mail has none."""
    content_type: str
    size: int
    """Bytes, decoded."""


class InboundMail(BaseModel):
    """A parsed mail. Every string can be stored: no NUL, no lone surrogate."""

    model_config = ConfigDict(frozen=True)

    message_id: str | None = None
    """Without angle brackets and white space, the domain in lower case; also the next two."""
    in_reply_to: str | None = None
    references: list[str] = []
    """Oldest first, at most 1,000: the newest."""
    from_address: str | None = None
    """In lower case; None if the mail has no address that can receive a reply."""
    from_original: str | None = None
    from_name: str = ""
    """If there is no `from_address`, what `From:` says instead of one that can be used."""
    from_is_plain: bool = False
    """One `From:` with one address and nothing left over: who checked the sender's domain (DMARC)
    checked that of `from_address`. Otherwise the sender is never proved."""
    signers: list[str] = []
    """The domain that each DKIM signature names, unchecked, in lower case; empty text for a
    signature of which that is not clear."""
    sender: str | None = None
    """The address of `Sender:`, in lower case."""
    reply_to: str | None = None
    reply_to_name: str = ""
    addressed: list[str] = []
    """The addresses of `To:`, in lower case, in their order; at most 50."""
    copied: list[str] = []
    """The addresses of `Cc:`, in lower case, in their order; at most 50."""
    return_path: str | None = None
    """The envelope's sender; an empty string is the null sender `<>`."""
    subject: str = ""
    date: datetime | None = None
    """UTC, by the sender's clock."""
    text: str = ""
    """The whole text with quotes; converted from HTML if there is no plain text."""
    reply_text: str = ""
    """Without quotes and signature; all of the text where nothing else would be left."""
    marker_tokens: list[str] = []
    """What the markers of its texts and of its HTML carry, also of an alternative that `text`
    leaves out; whoever wants to can write them, so each is checked before it counts."""
    html: str | None = None
    """Sanitised: no scripts, styles, images or forms."""
    attachments: list[Attachment] = []
    automatic: bool = False
    """Written by a program, so that nobody waits for an answer. A mail of a person that only asks
    for no automatic answer (a list, a suppress header) is none."""
    automatic_reason: str | None = None
    asks_for_no_answer: bool = False
    """No program may answer it, whoever wrote it: a list, mail in bulk, a suppress header."""
    bounce: bool = False
    """A report of the mail system about another mail."""
    defects: list[str] = []
    """What was wrong with it, in a few words each, without personal data."""
