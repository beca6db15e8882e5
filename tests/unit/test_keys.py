"""Keys of the application secret: one for each purpose, and the same for ever."""

from __future__ import annotations

from typing import get_args

from cplus.keys import Purpose, derived_key

STORED = {
    "install-state": "921dd06d635a1f82",
    "keyring": "4ed2df3ed1b11c11",
    "mailbox-answers": "dc37c623a34758fc",
    "mailbox-codes": "bfaea271e6b3f188",
    "message-ids": "d608f8b415f31ab7",
    "persons": "241f32edd52153c4",
    "push-endpoints": "21a8849955a2908a",
    "push-subscriptions": "ee97a5b2a51b5b9e",
    "received-mails": "b101d220ff39ace9",
    "reply-addresses": "3510ad8059656eb7",
    "shopify-credentials": "5618b9a1b40df91b",
    "uploads": "83f1195ce305432a",
    "web-forms": "fd847ee4fd3a51ec",
    "web-push": "7c16192d211041bc",
    "web-sessions": "e48a9cfa5a6d922b",
}


def test_what_was_made_with_a_key_is_read_with_it_in_every_release() -> None:
    made = {one: derived_key("a secret", one).hex()[:16] for one in get_args(Purpose)}
    assert made == STORED


def test_no_two_purposes_and_no_two_secrets_share_a_key() -> None:
    keys = {derived_key(secret, one) for one in get_args(Purpose) for secret in ("one", "two")}
    assert len(keys) == 2 * len(get_args(Purpose))
    assert {len(key) for key in keys} == {32}
