"""SES's notifications: incoming mail, and the status of outgoing mail."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from cplus.errors import InvalidInput

SHOP_TAG = "cplus-shop"
"""Tag of an outgoing mail: the shop's host without `.myshopify.com`."""
MESSAGE_TAG = "cplus-message"
"""Tag of an outgoing mail: our id of the message."""
FALLBACK_TAG = "cplus-fallback"
"""Tag of an outgoing mail that left from our domain because the merchant's own one failed: that
domain, with `_` for each dot, which values of tags cannot have (SES, MessageTag)."""

Verdict = Literal["PASS", "FAIL", "GRAY", "PROCESSING_FAILED", "DISABLED"]
Kind = Literal[
    "send",
    "delivery",
    "bounce",
    "complaint",
    "reject",
    "delivery_delay",
    "rendering_failure",
]


def _verdict(value: object) -> object:
    """`{"status": "PASS"}` as PASS; unknown values count as not processed."""
    status = value.get("status") if isinstance(value, dict) else value
    known = ("PASS", "FAIL", "GRAY", "PROCESSING_FAILED", "DISABLED")
    return status if status is None or status in known else "PROCESSING_FAILED"


_WireVerdict = Annotated[Verdict | None, BeforeValidator(_verdict)]


class _Wire(BaseModel):
    """A part of SES's JSON; unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _ReceivedMail(_Wire):
    message_id: str = Field(alias="messageId", min_length=1)
    source: str = ""


class _Action(_Wire):
    bucket: str = Field(alias="bucketName", min_length=1)
    key: str = Field(alias="objectKey", min_length=1)


class _Receipt(_Wire):
    timestamp: datetime
    recipients: tuple[str, ...]
    spam: _WireVerdict = Field(None, alias="spamVerdict")
    virus: _WireVerdict = Field(None, alias="virusVerdict")
    spf: _WireVerdict = Field(None, alias="spfVerdict")
    dkim: _WireVerdict = Field(None, alias="dkimVerdict")
    dmarc: _WireVerdict = Field(None, alias="dmarcVerdict")
    action: _Action


class _Notification(_Wire):
    notification_type: Literal["Received"] = Field(alias="notificationType")
    mail: _ReceivedMail
    receipt: _Receipt


class Receipt(BaseModel):
    """A mail was received and is in S3."""

    model_config = ConfigDict(frozen=True)

    ses_message_id: str
    received_at: datetime
    recipients: tuple[str, ...]
    """The envelope's; `To:` says nothing about where a mail was delivered."""
    envelope_sender: str
    bucket: str
    key: str
    spam: Verdict | None = None
    virus: Verdict | None = None
    spf: Verdict | None = None
    dkim: Verdict | None = None
    dmarc: Verdict | None = None


class _SentMail(_Wire):
    message_id: str = Field(alias="messageId", min_length=1)
    timestamp: datetime
    destination: tuple[str, ...] = ()
    tags: dict[str, list[str]] = {}


class _Recipient(_Wire):
    address: str = Field("", alias="emailAddress")
    status: str = ""
    diagnostic: str = Field("", alias="diagnosticCode")


class _Detail(_Wire):
    """The details object of an event; all kinds share the same field names."""

    timestamp: datetime | None = None
    recipients: tuple[str, ...] = ()
    bounced: tuple[_Recipient, ...] = Field((), alias="bouncedRecipients")
    complained: tuple[_Recipient, ...] = Field((), alias="complainedRecipients")
    delayed: tuple[_Recipient, ...] = Field((), alias="delayedRecipients")
    bounce_type: str | None = Field(None, alias="bounceType")
    bounce_subtype: str | None = Field(None, alias="bounceSubType")
    complaint_type: str | None = Field(None, alias="complaintFeedbackType")
    delay_type: str | None = Field(None, alias="delayType")
    reason: str | None = None
    error_message: str | None = Field(None, alias="errorMessage")
    feedback_id: str | None = Field(None, alias="feedbackId")


class _Event(_Wire):
    mail: _SentMail
    detail: _Detail


class MailEvent(BaseModel):
    """An event about a mail that SES accepted from us."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    ses_message_id: str
    occurred_at: datetime
    shop: str | None
    """From our tag: the shop's host without `.myshopify.com`."""
    message: str | None
    """From our tag: our id of the message."""
    fallback: str | None = None
    """From our tag: the merchant's own domain, in place of which the mail left from ours."""
    recipients: tuple[str, ...] = ()
    """Whom the event is about: of a mail that was forwarded, perhaps who got it last."""
    sent_to: tuple[str, ...] = ()
    """To whom we sent it."""
    permanent: bool = False
    """A permanent bounce: do not send to this address again."""
    detail: str | None = None
    """Bounce type and subtype, complaint, delay or reason, in SES's words; nothing personal."""
    status: str | None = None
    """The first recipient's SMTP status, for example `5.1.1`."""
    diagnostic: str | None = None
    """The receiving server's message. May contain the address: personal."""
    feedback_id: str | None = None
    said: tuple[tuple[str | None, str | None], ...] = ()
    """Status and message of the server for each of the recipients, in their order."""

    def each(self) -> list[MailEvent]:
        """The same of each recipient by itself."""
        said = self.said or ((self.status, self.diagnostic),) * len(self.recipients)
        return [
            self.model_copy(update={"recipients": (one,), "status": status, "diagnostic": words})
            for one, (status, words) in zip(self.recipients, said, strict=True)
        ]


_KINDS: dict[str, tuple[Kind, str]] = {
    "Send": ("send", "send"),
    "Delivery": ("delivery", "delivery"),
    "Bounce": ("bounce", "bounce"),
    "Complaint": ("complaint", "complaint"),
    "Reject": ("reject", "reject"),
    "DeliveryDelay": ("delivery_delay", "deliveryDelay"),
    "Rendering Failure": ("rendering_failure", "failure"),
}


def parse_receipt(body: str) -> Receipt:
    """Reads SES's notification that a mail is in S3, with or without SNS's envelope.

    Raises:
        InvalidInput: it is not such a notification; the reason names fields, never content.
    """
    try:
        found = _Notification.model_validate(_load(body))
    except ValidationError as error:
        raise _invalid(error) from None
    receipt = found.receipt
    return Receipt(
        ses_message_id=found.mail.message_id,
        received_at=receipt.timestamp,
        recipients=receipt.recipients,
        envelope_sender=found.mail.source,
        bucket=receipt.action.bucket,
        key=receipt.action.key,
        spam=receipt.spam,
        virus=receipt.virus,
        spf=receipt.spf,
        dkim=receipt.dkim,
        dmarc=receipt.dmarc,
    )


def parse_event(body: str) -> MailEvent:
    """Reads SES's event about an outgoing mail, with or without SNS's envelope.

    Raises:
        InvalidInput: it is not such an event; the reason names fields, never content.
    """
    loaded = _load(body)
    kind, key = _KINDS.get(str(loaded.get("eventType")), (None, ""))
    if kind is None:
        raise InvalidInput(reason="eventType is unknown")
    try:
        told = _Event.model_validate({"mail": loaded.get("mail"), "detail": loaded.get(key) or {}})
    except ValidationError as error:
        raise _invalid(error) from None
    mail, detail = told.mail, told.detail
    concerned = detail.bounced or detail.complained or detail.delayed
    first = concerned[0] if concerned else _Recipient.model_validate({})
    words = (detail.bounce_type, detail.bounce_subtype, detail.complaint_type, detail.delay_type)
    return MailEvent(
        kind=kind,
        ses_message_id=mail.message_id,
        occurred_at=detail.timestamp or mail.timestamp,
        shop=_tag(mail, SHOP_TAG),
        message=_tag(mail, MESSAGE_TAG),
        fallback=(_tag(mail, FALLBACK_TAG) or "").replace("_", ".") or None,
        sent_to=mail.destination,
        recipients=tuple(one.address for one in concerned) or detail.recipients or mail.destination,
        permanent=detail.bounce_type == "Permanent",
        detail="/".join(word for word in words if word) or detail.reason,
        status=first.status or None,
        diagnostic=first.diagnostic or detail.error_message,
        feedback_id=detail.feedback_id,
        said=tuple((one.status or None, one.diagnostic or None) for one in concerned),
    )


def tagged_shop(body: str) -> str | None:
    """The shop that an event's tag names, without `.myshopify.com`, even if the rest of the event
    cannot be read. Raises InvalidInput if it is not a JSON object."""
    mail = _load(body).get("mail")
    tags = mail.get("tags") if isinstance(mail, dict) else None
    names = tags.get(SHOP_TAG) if isinstance(tags, dict) else None
    return str(names[0]) if isinstance(names, list) and names else None


def _tag(mail: _SentMail, name: str) -> str | None:
    values = mail.tags.get(name)
    return values[0] if values and values[0] else None


def _load(body: str) -> dict[str, Any]:
    try:
        loaded = json.loads(body)
        if isinstance(loaded, dict) and isinstance(loaded.get("Message"), str):
            loaded = json.loads(loaded["Message"])
    except (ValueError, RecursionError):
        raise InvalidInput(reason="the body is not JSON") from None
    if not isinstance(loaded, dict):
        raise InvalidInput(reason="the body is not a JSON object")
    return loaded


def _invalid(error: ValidationError) -> InvalidInput:
    """Describes the error by field and kind; an unknown key could contain anything."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    known = [str(part) for part in first["loc"] if str(part).isascii() and str(part).isalnum()]
    where, kind = ".".join(known), first["type"]
    words = next((said for start, said in _WORDS.items() if kind.startswith(start)), f"({kind})")
    return InvalidInput(reason=f"{where or 'the body'} {words}")


_WORDS: Final = {
    "missing": "is missing",
    "model": "is not an object",
    "dict": "is not an object",
    "tuple": "is not a list",
    "list": "is not a list",
    "string_too_short": "is empty",
    "string": "is not a string",
    "datetime": "is not a time",
    "literal": "is unknown",
    "bool": "is neither true nor false",
}
"""What is wrong, by the beginning of pydantic's name for it."""
