"""Addresses in a text become links, and what only stands beside them does not."""

from __future__ import annotations

import re
import time
from html import unescape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cplus.mail.writing.links import linked

_ANCHOR = re.compile(r'<a href="([^"<>]*)">([^<>]*)</a>')


def links(text: str) -> list[tuple[str, str]]:
    """Where each link leads and what it says, if they differ."""
    found = [(unescape(to), unescape(said)) for to, said in _ANCHOR.findall(linked(text))]
    return [(to, "" if to == said else said) for to, said in found]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("See https://shop.example/track?id=1&x=2#a.", "https://shop.example/track?id=1&x=2#a"),
        ("(https://shop.example/a)", "https://shop.example/a"),
        ("https://en.example/wiki/Jug_(art), or", "https://en.example/wiki/Jug_(art)"),
        ("(see https://en.example/wiki/Jug_(art)).", "https://en.example/wiki/Jug_(art)"),
        ("[https://shop.example/[a]]", "https://shop.example/[a]"),
        ("Is it https://shop.example?", "https://shop.example"),
        ("Look: https://shop.example/a!!! Now", "https://shop.example/a"),
        ("“https://shop.example/a”", "https://shop.example/a"),
        ("'https://shop.example/a'", "https://shop.example/a"),
        ("<https://shop.example/a>", "https://shop.example/a"),
        ("**https://shop.example/a**", "https://shop.example/a"),
        ("https://shop.example:8443/a;b,c", "https://shop.example:8443/a;b,c"),
        ("HTTPS://Shop.Example/A", "HTTPS://Shop.Example/A"),
        ("请看https://shop.example/a，谢谢", ""),  # glued to a word: nobody knows where it begins
        ("请看 https://shop.example/a，谢谢", "https://shop.example/a"),
        ("「https://shop.example/a」", "https://shop.example/a"),
        ("https://bücher.example/größe?q=ö", "https://bücher.example/größe?q=ö"),
        ("https://例え.テスト/道。次", "https://例え.テスト/道"),
        ("https://xn--r8jz45g.xn--zckzah/a", "https://xn--r8jz45g.xn--zckzah/a"),
        ("https://shop.example/\u202egpj.exe", "https://shop.example/"),
        ("https://shop.example/a…", "https://shop.example/a"),
        ("https://shop.example\nnext", "https://shop.example"),
        ("https://shop.example/a\xa0b", "https://shop.example/a"),
    ],
)
def test_a_web_address_is_a_link_without_what_only_follows_it(text: str, address: str) -> None:
    assert links(text) == ([(address, "")] if address else [])


@pytest.mark.parametrize(
    ("text", "to", "said"),
    [
        ("www.shop.example/a.", "http://www.shop.example/a", "www.shop.example/a"),
        ("Mail ines.okafor+a@example.com.", "mailto:ines.okafor+a@example.com", ""),
        ("'ines@example.com'", "mailto:ines@example.com", ""),
        ("<ines@bücher.example>", "mailto:ines@bücher.example", ""),
        ("50%off@example.com", "mailto:50%25off@example.com", "50%off@example.com"),
    ],
)
def test_other_addresses_lead_where_they_say(text: str, to: str, said: str) -> None:
    assert links(text) == [(to, said or to.removeprefix("mailto:"))]


@pytest.mark.parametrize(
    "text",
    [
        *("javascript:alert(1)", "data:text/html,x", "ftp://a.example", "file:///etc/passwd"),
        *(
            "https://",
            "https://x",
            "https://user@shop.example/",
            "https://shop.example@evil.example",
        ),
        *(
            "a@b",
            "a@b.1",
            "@example.com",
            "10.Die Vase",
            "e.g.This",
            "1.2.3",
            "5@3",
            "www.",
            "www.a",
        ),
        *("https://-a.example", "https://a..example", "x" * 200 + "@example.com"),
        *("a/ines@example.com", "https://localhost/a"),
    ],
)
def test_what_is_no_address_that_leads_anywhere_safe_stays_text(text: str) -> None:
    assert links(text) == []


@given(st.text(max_size=200))
@example('https://a.example/"onmouseover="alert(1) <script>')
@example("https://a.example/'><img src=x>&amp;")
@example("a@b.example@c.example www.www.a.example")
def test_whatever_the_text_the_html_says_the_same_and_only_has_links(text: str) -> None:
    html = linked(text)
    assert unescape(_ANCHOR.sub(r"\2", html)) == text
    assert "<" not in _ANCHOR.sub("", html)


@pytest.mark.parametrize(
    "piece",
    ["https://a.example/((((", "a@", "www.", "a.", "https://", "x@y.z,", "a-", "a@a.", "]", "%"],
)
def test_the_time_grows_with_the_length_of_the_text(piece: str) -> None:
    begin = time.process_time()
    linked(piece * (200_000 // len(piece)))
    assert time.process_time() - begin < 2
