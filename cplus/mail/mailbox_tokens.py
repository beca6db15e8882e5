"""Signed values for a merchant's own mailbox: the token of the address that its answers go to, and
the code that proves that somebody reads it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Final, NamedTuple

from cplus.errors import InvalidInput
from cplus.keys import Purpose, derived_key
from cplus.mail.addresses import shop_address, shop_name

CODE_LENGTH: Final = 10
"""Characters of a code, without its dash: 50 bits."""

_ID: Final = re.compile(r"[a-z0-9]{1,24}")
_SIGNATURE: Final = 16  # characters of base32: 80 bits
_LOCAL_LIMIT: Final = 64


class Answered(NamedTuple):
    """What a token stands for."""

    conversation: str
    mailbox: str
    to: int = 0
    """Who was to get the answer, when the mailbox was told: see `Conversation.recipient`."""


def mailbox_token(shop: str, conversation_id: str, mailbox: str, secret: str, to: int = 0) -> str:
    """The token of a mailbox in a conversation: the conversation's id, then 80 bits of an
    HMAC-SHA256 over shop, conversation, mailbox and who gets the answer (`to`). It looks like a
    customer's token (`conversation_token`), and neither opens as the other.

    Raises InvalidInput for an id that is not 1 to 24 characters of `[a-z0-9]`, and InvalidShop.
    """
    if not (_ID.fullmatch(conversation_id) and _ID.fullmatch(mailbox)):
        raise InvalidInput(reason="an id is 1 to 24 characters of a-z and 0-9")
    said = _said(shop, conversation_id, mailbox, to)
    return conversation_id + _signed("mailbox-answers", secret, said)[:_SIGNATURE]


def mailbox_address(
    shop: str, conversation_id: str, mailbox: str, secret: str, domain: str, to: int = 0
) -> str:
    """The address that an answer from a mailbox goes to; the shop's own address if a token does not
    fit. Raises as `mailbox_token` does."""
    token = mailbox_token(shop, conversation_id, mailbox, secret, to)
    local = f"{shop_name(shop)}+{token}"
    return f"{local}@{domain.lower()}" if len(local) <= _LOCAL_LIMIT else shop_address(shop, domain)


def named_conversation(token: str | None) -> str | None:
    """The id of the conversation that a token names, whoever signed it; None if it is none."""
    id_ = (token or "").strip().lower()[:-_SIGNATURE]
    return id_ if _ID.fullmatch(id_) else None


def open_mailbox_token(
    token: str | None,
    shop: str,
    mailboxes: Iterable[str],
    secret: str | Sequence[str],
    recipients: int = 1,
) -> Answered | None:
    """What a token stands for, if it was signed for this shop, one of these mailboxes, and one of
    so many recipients; `secret` is one or several, as for `open_token`. Tokens are compared in
    constant time."""
    conversation_id = named_conversation(token)
    signature = (token or "").strip().lower()[-_SIGNATURE:]
    if conversation_id is None or not signature.isascii():
        return None
    secrets = [secret] if isinstance(secret, str) else secret
    found: Answered | None = None
    for mailbox, to in product(mailboxes, range(max(recipients, 1))):
        said = _said(shop, conversation_id, mailbox, to)
        for one in secrets:
            signed = _signed("mailbox-answers", one, said)[:_SIGNATURE]
            if hmac.compare_digest(signed, signature):
                found = Answered(conversation_id, mailbox, to)
    return found


def _said(shop: str, conversation_id: str, mailbox: str, to: int) -> list[str]:
    """What a token signs; of the first recipient, what tokens signed before there were others."""
    return [shop_name(shop), conversation_id, mailbox, *([str(to)] if to else [])]


def mailbox_code(shop: str, mailbox: str, number: int, secret: str) -> str:
    """The code in verification mail `number` of a mailbox, for example `k7m2p-x4q9a`."""
    said = (shop_name(shop), mailbox, str(number))
    code = _signed("mailbox-codes", secret, said)[:CODE_LENGTH]
    return f"{code[:5]}-{code[5:]}"


def is_mailbox_code(
    written: str, shop: str, mailbox: str, number: int, secret: str | Sequence[str]
) -> bool:
    """Whether somebody wrote that code, in whatever case, with or without its dash."""
    said = re.sub(r"[^a-z0-9]", "", written[:100].lower())
    secrets = [secret] if isinstance(secret, str) else secret
    codes = [mailbox_code(shop, mailbox, number, one).replace("-", "") for one in secrets]
    fits = [hmac.compare_digest(one, said) for one in codes]
    return any(fits)


def _signed(purpose: Purpose, secret: str, said: Iterable[str]) -> str:
    digest = hmac.new(derived_key(secret, purpose), "\n".join(said).encode(), hashlib.sha256)
    return base64.b32encode(digest.digest()[:10]).decode("ascii").lower()
