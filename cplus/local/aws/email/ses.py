"""A local SES for sending: accepts raw mail as documented, keeps it, and publishes its events.

moto accepts raw mail too, but drops its tags and sends no events. Rules:
https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html and
https://docs.aws.amazon.com/ses/latest/APIReference/API_SendRawEmail.html; the mailbox simulator
(`bounce@`, `complaint@`): https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import getaddresses
from typing import Any
from urllib.parse import parse_qsl

from cplus.local.aws import moto_adapter
from cplus.local.aws.email.identities import Identities
from cplus.local.aws.email.letters import header_values, leaving
from cplus.local.aws.email.mail_events import Sent, fates
from cplus.local.aws.email.mailbox import Mailbox
from cplus.local.aws.email.names import Names
from cplus.local.aws.email.refusals import REFUSALS, MailRefused
from cplus.local.aws.email.tenants import Tenants
from cplus.local.aws.email.trouble import Failure, Trouble
from cplus.local.aws.endpoint import ACCOUNT, REGION

_MAX_RECIPIENTS = 50
_MAX_BYTES = 40 * 1024 * 1024
_WHO = {"Bounce": "bouncedRecipients", "Complaint": "complainedRecipients"}
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")


@dataclass(frozen=True)
class Order:
    """One request to send: raw bytes, the envelope, and its options."""

    raw: bytes
    source: str
    recipients: tuple[str, ...]
    tags: Mapping[str, str] = field(default_factory=dict)
    configuration_set: str = ""
    tenant: str = ""


class Ses:
    """SES's state: event destinations of configuration sets, and sent mail."""

    def __init__(self, mailbox: Mailbox, publish: Callable[[str, str], None]) -> None:
        self._mailbox = mailbox
        self._publish = publish
        self.trouble = Trouble(time.time)
        self.tenants = Tenants()
        self.names = Names()
        self.identities = Identities(self.names)
        self._destinations: dict[str, dict[str, Mapping[str, Any]]] = {}

    def add_destination(self, name: str, request: Mapping[str, Any]) -> None:
        """Creates an event destination of the configuration set `name` (SES v2)."""
        if not moto_adapter.has_configuration_set(name):
            raise _no_such_set(name)
        known = self._destinations.setdefault(name, {})
        wanted = str(request.get("EventDestinationName", ""))
        if wanted in known:
            raise MailRefused(
                f"Event destination <{wanted}> already exists.", code="AlreadyExistsException"
            )
        known[wanted] = request.get("EventDestination", {})

    def send(self, order: Order, *, bounces: bool = False) -> str:
        """Keeps the mail and publishes its events, those of a bounce if it `bounces`; returns the
        id. Raises MailRefused."""
        self._check(order)
        self._afford(order)
        message_id = _message_id()
        header_id = f"<{message_id}@{REGION}.amazonses.com>"
        raw = leaving(order.raw, header_id)
        sent = Sent(
            message_id=message_id,
            header_id=header_id,
            source=order.source,
            recipients=order.recipients,
            tags=order.tags,
            configuration_set=order.configuration_set,
            time=time.time(),
            raw=raw,
        )
        listed = [one for one in order.recipients if self.tenants.suppresses(order.tenant, one)]
        events = fates(sent, listed, bounces=bounces)
        for event in events:
            fate = str(event["eventType"])
            told = event[fate.lower()].get(_WHO.get(fate), ())
            self.tenants.suppress(order.tenant, [one["emailAddress"] for one in told], fate.upper())
        self._mailbox.keep(sent, [str(event["eventType"]) for event in events])
        for event in events:
            self._emit(order.configuration_set, event)
        return message_id

    def _emit(self, configuration_set: str, event: Mapping[str, Any]) -> None:
        wanted = str(event["eventType"]).upper()
        for destination in self._destinations.get(configuration_set, {}).values():
            topic = destination.get("SnsDestination", {}).get("TopicArn")
            matching = destination.get("MatchingEventTypes", ())
            if topic and destination.get("Enabled") and wanted in matching:
                self._publish(topic, json.dumps(event))

    def failure(self, order: Order) -> Failure | None:
        """What this order fails with on demand; raises MailRefused for a refusal."""
        failure = self.trouble.next_failure(order.recipients)
        if failure is not None and failure.how in REFUSALS:
            reason, code, old = REFUSALS[failure.how]
            raise MailRefused(reason, code=code, old=old)
        return failure

    def _afford(self, order: Order) -> None:
        if not self.trouble.enabled:
            reason, code, old = REFUSALS["paused"]
            raise MailRefused(reason, code=code, old=old)
        if over := self.trouble.over(len(order.recipients)):
            raise MailRefused(over, code="TooManyRequestsException", old="Throttling")
        self.trouble.note(len(order.recipients))

    def _check(self, order: Order) -> None:
        if len(order.raw) > _MAX_BYTES:
            raise MailRefused(f"Message length is more than {_MAX_BYTES} bytes long.")
        if not order.recipients:
            raise MailRefused("Missing required recipients.")
        if len(order.recipients) > _MAX_RECIPIENTS:
            raise MailRefused(f"Recipient count exceeds {_MAX_RECIPIENTS}.")
        if any("@" not in recipient.strip("@") for recipient in order.recipients):
            raise MailRefused("Missing final '@domain'.")
        for name, value in order.tags.items():
            if not _TAG.fullmatch(name) or not _TAG.fullmatch(value):
                raise MailRefused("Tag names and values hold 1 to 256 of A-Z, a-z, 0-9, _ and -.")
        wanted = order.configuration_set
        if wanted and not moto_adapter.has_configuration_set(wanted):
            raise _no_such_set(wanted)
        failed = [address for address in _senders(order) if self._identity(address) is None]
        if failed:
            raise MailRefused(
                "Email address is not verified. The following identities failed the check in "
                f"region {REGION.upper()}: {', '.join(failed)}",
                code="MessageRejected",
                old="MessageRejected",
            )
        if order.tenant:
            self._check_tenant(order)

    def _identity(self, address: str) -> str | None:
        """The identity that mail from the address is sent with; None if none is verified."""
        verified = [*moto_adapter.verified_identities(), *self.identities.verified()]
        known = {name.lower() for name in verified}
        parents = address.rpartition("@")[2].lower().split(".")
        names = [address.lower(), *(".".join(parents[i:]) for i in range(len(parents)))]
        return next((name for name in names if name in known), None)

    def _check_tenant(self, order: Order) -> None:
        used = [self._identity(address) for address in _senders(order)]
        names = [f"identity/{one}" for one in used if one is not None]
        names += [f"configuration-set/{order.configuration_set}"] if order.configuration_set else []
        account = f"arn:aws:ses:{REGION}:{ACCOUNT}:"
        self.tenants.check(order.tenant, [account + name for name in names])


def from_v2(body: bytes) -> Order:
    """Reads a SendEmail request of API v2; raises MailRefused."""
    try:
        request = json.loads(body)
        raw = base64.b64decode(request["Content"]["Raw"]["Data"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise MailRefused("This stand-in takes raw mail only: Content.Raw.Data.") from error
    destination = request.get("Destination") or {}
    named = [
        *(destination.get("ToAddresses") or []),
        *(destination.get("CcAddresses") or []),
        *(destination.get("BccAddresses") or []),
    ]
    tags = {tag.get("Name", ""): tag.get("Value", "") for tag in request.get("EmailTags") or []}
    order = _order(
        raw, request.get("FromEmailAddress"), named, tags, request.get("ConfigurationSetName")
    )
    return replace(order, tenant=request.get("TenantName") or "")


def from_v1(body: bytes) -> Order:
    """Reads a SendRawEmail request of API v1 (query protocol); raises MailRefused."""
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    try:
        raw = base64.b64decode(form["RawMessage.Data"], validate=True)
    except (KeyError, binascii.Error) as error:
        raise MailRefused("RawMessage.Data is missing or not base64.") from error
    named = [value for name, value in form.items() if name.startswith("Destinations.member.")]
    tags = {
        value: form.get(name.removesuffix("Name") + "Value", "")
        for name, value in form.items()
        if name.startswith("Tags.member.") and name.endswith(".Name")
    }
    return _order(raw, form.get("Source"), named, tags, form.get("ConfigurationSetName"))


def _order(
    raw: bytes,
    source: str | None,
    named: Sequence[str],
    tags: Mapping[str, str],
    configuration_set: str | None,
) -> Order:
    senders = header_values(raw, "from")
    if not senders:
        raise MailRefused("Missing required header 'From'.")
    listed = named or [v for name in ("to", "cc", "bcc") for v in header_values(raw, name)]
    marked = header_values(raw, "x-ses-message-tags")
    pairs = (pair.partition("=") for text in marked for pair in text.split(","))
    in_headers = {name.strip(): value.strip() for name, _, value in pairs}
    sets = header_values(raw, "x-ses-configuration-set")
    return Order(
        raw=raw,
        source=_addresses([source or senders[0]])[0],
        recipients=tuple(dict.fromkeys(_addresses(listed))),
        tags=tags or in_headers,
        configuration_set=configuration_set or (sets[0] if sets else ""),
    )


def _addresses(values: Sequence[str]) -> list[str]:
    found = [address for _, address in getaddresses(list(values)) if address]
    if values and not found:
        raise MailRefused("Missing final '@domain'.")
    return found


def _senders(order: Order) -> list[str]:
    return list(dict.fromkeys([order.source, *_addresses(header_values(order.raw, "from"))]))


def _no_such_set(name: str) -> MailRefused:
    return MailRefused(
        f"Configuration set <{name}> does not exist.",
        code="NotFoundException",
        old="ConfigurationSetDoesNotExist",
    )


def _message_id() -> str:
    token = secrets.token_hex(16)
    parts = (token[:8], token[8:12], token[12:16], token[16:20], token[20:])
    return f"0100{int(time.time() * 1000):012x}-{'-'.join(parts)}-000000"
