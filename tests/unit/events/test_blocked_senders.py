"""Who is blocked: given what happened, when something is asked, then."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cplus.commands.block_lookup import Hashes
from cplus.errors import InvalidInput, NotFound
from cplus.events.aggregates.blocked_senders import MOST, BlockedSenders
from cplus.events.base import ERASED, AggregateEvent
from cplus.mail.senders import PUBLIC_DOMAINS, domain_of, normal_sender

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def blocked(*senders: tuple[str, str]) -> BlockedSenders:
    found = BlockedSenders.empty("blocked/acorn.myshopify.com")
    for number, (kind, sender) in enumerate(senders):
        block(found, kind, sender, f"b{number}")
    found.collect_events()
    return found


def block(found: BlockedSenders, kind: Any, sender: str, id_: str = "b") -> None:
    whose: dict[str, Any] = {"person": "person/a", "author": "ada", "conversation_id": None}
    found.block(block=id_, kind=kind, sender=sender, now=NOW, **whose)


def held_by(found: BlockedSenders, *addresses: str | None) -> list[str]:
    return [one.kind for one in Hashes(found, b"key").places(addresses)]


def then(found: BlockedSenders) -> list[str]:
    return [one.TYPE for one in found.collect_events() if isinstance(one, AggregateEvent)]


def test_a_sender_is_blocked_and_unblocked_once() -> None:
    found = blocked()
    block(found, "address", "sam@example.com")
    block(found, "address", "sam@example.com", "other")
    assert then(found) == ["sender.blocked"]
    found.unblock(block="b", author="ada", now=NOW)
    assert then(found) == ["sender.unblocked"]
    with pytest.raises(NotFound):
        found.unblock(block="b", author="ada", now=NOW)


def test_a_domain_and_an_address_in_it_are_two_blocks() -> None:
    found = blocked(("address", "sam@example.com"))
    block(found, "domain", "example.com")
    assert then(found) == ["sender.blocked"]
    assert held_by(found, "pam@example.com", "sam@example.com") == ["address", "domain", "domain"]
    found.unblock(block="b", author="ada", now=NOW)
    assert held_by(found, "pam@example.com", "sam@example.com") == ["address"]


def test_no_more_are_blocked_than_are_read_for_a_mail() -> None:
    found = blocked(*(("address", f"s{number}@example.com") for number in range(MOST)))
    with pytest.raises(InvalidInput, match="1,000"):
        block(found, "address", "one.more@example.com")
    block(found, "address", "s1@example.com")
    assert then(found) == []


@pytest.mark.parametrize(
    ("address", "held"),
    [
        ("sam@example.com", True),
        (" SAM@Example.COM ", True),
        ("sam+sale@example.com", True),
        ("s.am@example.com", False),
        ("pam@example.com", False),
        ("pam@spam.example", True),
        ("pam@SPAM.example.", True),
        ("pam@mail.spam.example", False),
        ("pam@notspam.example", False),
        ("info@xn--bcher-kva.example", True),
        ("info@bücher.example", True),
        ("@spam.example", False),
        ("no address", False),
        (None, False),
    ],
)
def test_a_mail_is_held_back_by_the_normal_form_of_its_address(
    address: str | None, held: bool
) -> None:
    found = blocked(
        ("address", normal_sender("Sam+shop@example.com")),
        ("domain", domain_of("eve@spam.example")),
        ("address", normal_sender("info@Bücher.example")),
    )
    assert bool(held_by(found, None, address)) is held


def test_the_block_of_an_erased_person_holds_nobody_back_and_can_be_removed() -> None:
    found = blocked(("address", ERASED))
    assert [one.sender for one in found.blocks.values()] == [None]
    assert not held_by(found, ERASED, "[erased]@example.com", "sam@example.com")
    found.unblock(block="b0", author="ada", now=NOW)
    assert then(found) == ["sender.unblocked"]


def test_a_long_or_odd_domain_has_a_normal_form_too() -> None:
    assert normal_sender(f"a@{'x' * 300}.example") == f"a@{'x' * 300}.example"
    assert normal_sender("+@example.com") == "+@example.com"
    assert normal_sender("@") == normal_sender("") == normal_sender("a@") == ""
    assert all(domain_of(f"a@{one}") == one for one in PUBLIC_DOMAINS)
