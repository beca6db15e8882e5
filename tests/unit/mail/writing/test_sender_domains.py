"""Domains of merchants: what is typed, what proves them, which records they need."""

from __future__ import annotations

import pytest

from cplus.errors import InvalidInput
from cplus.mail.writing.sender_domains import (
    dmarc_names,
    is_policy,
    proof_of,
    records,
    shown_domain,
    typed_domain,
    typed_local,
)

OWN = "mail.cplus.example"


@pytest.mark.parametrize(
    ("typed", "domain"),
    [
        ("acorn.example", "acorn.example"),
        (" https://WWW.Acorn.example/ ", "acorn.example"),
        ("hello@shop.acorn.example", "shop.acorn.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("müller.example.", "xn--mller-kva.example"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
    ],
)
def test_a_domain_may_be_typed_as_people_write_it(typed: str, domain: str) -> None:
    assert typed_domain(typed, OWN) == domain
    assert typed_domain(shown_domain(domain), OWN) == domain


@pytest.mark.parametrize(
    "typed",
    [
        "", "acorn", "acorn..example", "-acorn.example", "acorn_.example", "127.0.0.1", "a" * 300,
        "gmail.com", "web.de", OWN, f"shop.{OWN}", "cplus.example", "acorn.myshopify.com",
        "shopify.com", "amazonses.com", "acorn.example/path", "acorn .example", "\x00.example",
    ],
)  # fmt: skip
def test_what_is_none_or_is_anybodys_or_ours_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput):
        typed_domain(typed, OWN)


def test_the_address_is_one_at_the_domain() -> None:
    assert typed_local("Support", "acorn.example") == "support"
    assert typed_local(" hello@acorn.example", "acorn.example") == "hello"
    assert typed_local("hello@straße.example", "xn--strae-oqa.example") == "hello"
    for wrong in ("", "a@b.example", "a b", "a..b", "@acorn.example", "postmaster", "x\ny", "ä"):
        with pytest.raises(InvalidInput):
            typed_local(wrong, "acorn.example")


def test_a_proof_is_one_shops_for_one_domain() -> None:
    proof = proof_of("acorn.example", "acorn.myshopify.com", "s")
    assert proof == proof_of("acorn.example", "acorn.myshopify.com", "s")
    others = {
        proof_of("birch.example", "acorn.myshopify.com", "s"),
        proof_of("acorn.example", "birch.myshopify.com", "s"),
        proof_of("acorn.example", "acorn.myshopify.com", "t"),
    }
    assert proof not in others
    assert len(others) == 3


def test_records_name_what_ses_needs_and_dmarc_is_looked_for_above_too() -> None:
    made = records("a.example", "cplus=x", ("t1",), "dkim.amazonses.com", "eu-west-1")
    assert [(one.name, one.value) for one in made] == [
        ("_cplus.a.example", "cplus=x"),
        ("t1._domainkey.a.example", "t1.dkim.amazonses.com"),
        ("bounces.a.example", "10 feedback-smtp.eu-west-1.amazonses.com"),
        ("bounces.a.example", "v=spf1 include:amazonses.com ~all"),
        ("_dmarc.a.example", "v=DMARC1; p=none"),
    ]
    assert dmarc_names("shop.a.example") == ["_dmarc.shop.a.example", "_dmarc.a.example"]
    assert is_policy(["other", "v=DMARC1; p=reject"])
    assert not is_policy(["v=DMARC12", "p=none"])
