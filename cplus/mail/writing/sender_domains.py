"""The DNS records by which mail of a merchant leaves from their own domain, and that prove whose it
is."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

import idna

from cplus.errors import InvalidInput
from cplus.keys import derived_key
from cplus.mail.senders import PUBLIC_DOMAINS
from cplus.wording import worded

_LONGEST: Final = 200  # characters: names of records stand before it
_DOMAIN: Final = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
)
_LOCAL: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
_NOBODYS: Final = (
    "myshopify.com",
    "shopify.com",
    "shopifyemail.com",
    "amazonses.com",
    "amazonaws.com",
)
_RESERVED: Final = frozenset({"mailer-daemon", "postmaster", "abuse", "noreply", "no-reply"})
"""Addresses from which mail programs of ours and of others take no answer as one of a person."""

RecordType = Literal["TXT", "CNAME", "MX"]
RecordKind = Literal["proof", "dkim", "mail_from", "spf", "dmarc"]


class Record(NamedTuple):
    """A record that the merchant adds to the DNS of their domain."""

    kind: RecordKind
    type: RecordType
    name: str
    value: str
    required: bool


def typed_domain(typed: str, own: str) -> str:
    """The domain that somebody typed, in the letters of name servers. Raises InvalidInput for what
    is none, for one of ours (`own`), and for one at which anybody can have an address."""
    text = typed.strip().lower().removeprefix("https://").removeprefix("http://").strip("/")
    text = text.rpartition("@")[2].removeprefix("www.").rstrip(".")
    domain = _encoded(text)
    if not _DOMAIN.fullmatch(domain) or len(domain) > _LONGEST:
        raise InvalidInput(reason=worded("this is not a domain: write it like example.com"))
    ours = [own.lower(), *_NOBODYS]
    if any(_within(domain, one) or _within(one, domain) for one in ours if one):
        raise InvalidInput(reason=worded("this domain is not yours to send email from"))
    if domain in PUBLIC_DOMAINS:
        raise InvalidInput(reason=worded("anybody can have an address at this domain"))
    return domain


def typed_local(typed: str, domain: str) -> str:
    """What stands before the @ of the address that mail leaves from; the whole address may be
    typed. Raises InvalidInput."""
    local, at, host = typed.strip().lower().rpartition("@")
    if not at:
        local, host = host, domain
    if (
        _encoded(host) != domain
        or not _LOCAL.fullmatch(local)
        or ".." in local
        or local in _RESERVED
    ):
        raise InvalidInput(
            reason=worded("write an address at %(domain)s, like support@%(domain)s", domain=domain)
        )
    return local


def shown_domain(domain: str) -> str:
    """The domain as people write it."""
    try:
        return idna.decode(domain)
    except idna.IDNAError:
        return domain


def proof_name(domain: str) -> str:
    """Where the record stands that proves whose the domain is."""
    return f"_cplus.{domain}"


def proof_of(domain: str, shop: str, secret: str) -> str:
    """What that record says for this shop: 130 bits of an HMAC-SHA256, so that the keys of SES,
    which are the same whoever added the domain, prove nothing for another shop."""
    key = derived_key(secret, "sender-domains")
    digest = hmac.new(key, f"{shop}\n{domain}".encode(), hashlib.sha256).digest()
    return f"cplus={base64.b32encode(digest).decode('ascii').lower()[:26]}"


def mail_from_domain(domain: str) -> str:
    """Where mail that does not arrive comes back to."""
    return f"bounces.{domain}"


def records(domain: str, proof: str, tokens: Sequence[str], zone: str, region: str) -> list[Record]:
    """All that the merchant adds; the MX as https://docs.aws.amazon.com/ses/latest/dg/mail-from.html
    has it."""
    back = mail_from_domain(domain)
    return [
        Record("proof", "TXT", proof_name(domain), proof, required=True),
        *(
            Record("dkim", "CNAME", f"{one}._domainkey.{domain}", f"{one}.{zone}", required=True)
            for one in tokens
        ),
        Record("mail_from", "MX", back, f"10 feedback-smtp.{region}.amazonses.com", required=False),
        Record("spf", "TXT", back, "v=spf1 include:amazonses.com ~all", required=False),
        Record("dmarc", "TXT", f"_dmarc.{domain}", "v=DMARC1; p=none", required=False),
    ]


def dmarc_names(domain: str) -> list[str]:
    """Where a policy of DMARC for the domain may stand: at it, and at each domain above."""
    labels = domain.split(".")
    return [f"_dmarc.{'.'.join(labels[i:])}" for i in range(len(labels) - 1)][:8]


def is_policy(texts: Iterable[str]) -> bool:
    """Whether one of these texts is a policy of DMARC (RFC 7489, 6.3)."""
    return any(re.match(r"v=DMARC1\s*(;|$)", one) for one in texts)


def _encoded(text: str) -> str:
    """The domain in the letters of name servers, as IDNA 2008 has them; empty for what is none."""
    try:
        return idna.encode(text, uts46=True).decode("ascii")
    except idna.IDNAError:
        return ""


def _within(domain: str, above: str) -> bool:
    return domain == above or domain.endswith("." + above)
