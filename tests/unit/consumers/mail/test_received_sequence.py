"""The sequence that holds one mail: the same for the same mail, and nothing to guess words by."""

from __future__ import annotations

import hmac
import json

import pytest
from pydantic import SecretStr

from cplus.consumers.mail.message_ids import received_sequence
from cplus.keys import derived_key
from cplus.mail import message_id_key
from cplus.settings import Settings

MAIL = ("ada@example.com", "Ada", "ada@example.com", True, "Colours", "In red?\nOr in blue?")


def sequence(*said: str | bool | None) -> str:
    settings = Settings(application_secret=SecretStr("a secret"))
    return received_sequence(settings, "<1@shopper.example>", *said)


def test_the_sequence_is_keyed_and_the_same_in_every_release() -> None:
    """Without a key of its own, the log's own ref to the Message-ID would be all that somebody
    needs to try what the mail said."""
    secret = "a secret"
    words = json.dumps([message_id_key("1@shopper.example", secret), *MAIL]).encode()
    keyed = hmac.new(derived_key(secret, "received-mails"), words, "sha256").hexdigest()[:32]
    assert sequence(*MAIL) == f"received/{keyed}" == "received/4904894d97defa65cc96146a5cbd2b0a"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a\nb", "c"), ("a", "b\nc")),
        (("a", ""), ("a\n",)),
        (("True",), (True,)),
        (("None",), (None,)),
        (("\ud800",), ("?",)),
        (("\ud800",), ("\ud801",)),
    ],
)
def test_what_differs_in_any_field_is_another_mail(
    one: tuple[str | bool | None, ...], other: tuple[str | bool | None, ...]
) -> None:
    assert sequence(*one) != sequence(*other)
