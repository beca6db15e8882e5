"""Finds the conversations that a mail may belong to, most certain first."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from cplus.keys import derived_key
from cplus.mail.addresses import Route, open_token
from cplus.mail.model import InboundMail
from cplus.mail.reading.parse import normal_message_id


class Candidate(NamedTuple):
    """A way to find the conversation."""

    kind: Literal["token", "reference", "in_reply_to", "marker"]
    value: str
    """The conversation's id for a token and a marker; a normal Message-ID for the others."""


def candidates(
    mail: InboundMail, routes: Iterable[Route], *, shop: str, secret: str | Sequence[str]
) -> list[Candidate]:
    """The candidates for one shop, best first, each value once.

    The order: signed tokens of the addresses written to, References (newest first), In-Reply-To
    (Outlook changes it, iOS drops References), tokens of markers in the body. Subjects are
    useless: those of Shopify's contact form are the same for everybody in the same minute.

    Args:
        mail: the incoming mail.
        routes: of the mail's envelope; those of other shops are ignored.
        shop: the host of the shop.
        secret: the secret that signed the tokens; see `open_token`.
    """
    found: list[Candidate] = []
    for to_shop, token in routes:
        opened = open_token(token, shop, secret) if to_shop == shop else None
        if opened:
            found.append(Candidate("token", opened))
    found += [Candidate("reference", one) for one in reversed(mail.references)]
    if mail.in_reply_to:
        found.append(Candidate("in_reply_to", mail.in_reply_to))
    for token in mail.marker_tokens:
        if opened := open_token(token, shop, secret):
            found.append(Candidate("marker", opened))
    first: dict[str, Candidate] = {}
    for candidate in found:
        first.setdefault(candidate.value, candidate)
    return list(first.values())


def message_id_key(message_id: str, secret: str) -> str:
    """A Message-ID in the form that the log may store: 32 hexadecimal digits of an HMAC-SHA256.

    Message-IDs may contain names and addresses. Two spellings of the same id give the same key.
    """
    said = normal_message_id(message_id).encode("utf-8", "replace")
    return hmac.new(derived_key(secret, "message-ids"), said, hashlib.sha256).hexdigest()[:32]
