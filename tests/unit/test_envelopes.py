"""An object opens with its key, where it was stored, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cplus.envelopes import MAGIC, Stored, seal, unseal
from cplus.errors import ObjectBroken

CLEAR = b"From: Ada <ada@shopper.example>\r\n\r\nYes please.\r\n"
PLACE = ("acorn.myshopify.com", "mail", "id1")


@pytest.mark.parametrize("clear", [b"", CLEAR, CLEAR * 100_000])
def test_what_is_sealed_opens_again_and_shows_nothing(clear: bytes) -> None:
    key, stored = seal(*PLACE, clear)
    assert stored.startswith(MAGIC)
    assert b"ada@" not in stored
    assert unseal(*PLACE, key, stored) == clear
    other_key, other = seal(*PLACE, clear)
    assert (other_key, other) != (key, stored), "no two objects share a key or a nonce"


@pytest.mark.parametrize(
    "place",
    [("birch.myshopify.com", *PLACE[1:]), (PLACE[0], "bodies", PLACE[2]), (*PLACE[:2], "id2")],
)
def test_an_object_in_the_place_of_another_does_not_open(place: tuple[str, str, str]) -> None:
    key, stored = seal(*PLACE, CLEAR)
    with pytest.raises(ObjectBroken, match=place[2]):
        unseal(*place, key, stored)


@pytest.mark.parametrize(
    "change",
    [
        lambda stored: stored[:-1],
        lambda stored: stored[:-1] + bytes([stored[-1] ^ 1]),
        lambda stored: stored[:8] + b"\x02" + stored[9:],
        lambda stored: stored[:15],
        lambda _: CLEAR,
        lambda _: b"",
    ],
)
def test_an_object_that_was_altered_does_not_open(change: Callable[[bytes], bytes]) -> None:
    key, stored = seal(*PLACE, CLEAR)
    with pytest.raises(ObjectBroken):
        unseal(*PLACE, key, change(stored))
    with pytest.raises(ObjectBroken):
        unseal(*PLACE, bytes(32), stored)
    with pytest.raises(ObjectBroken):
        unseal(*PLACE, b"short", stored)


def test_a_key_is_not_shown() -> None:
    shown = repr(Stored({"bucket": "mail", "key": "sealed/x"}, b"secret"))
    assert "secret" not in shown
    assert "sealed/x" in shown
