"""HTML of strangers in its frame: nothing runs or is loaded, and links say where they lead."""

from __future__ import annotations

import time

import pytest

from cplus.mail.parts.formatted import cleaned, formatted, lines_of
from tests.unit.mail.parts.letters import letter


def shown(html: str, *, remote: bool = False) -> str:
    files = {"one@x": "/files/1"}
    return cleaned(html, picture=files.get, remote=remote).html


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg onload=alert(1)><script>alert(1)</script></svg>",
        '<meta http-equiv="refresh" content="0;url=https://evil.example/">',
        "<form action=https://evil.example/><input name=password><button>Go</button></form>",
        '<a href="javascript:alert(1)">x</a>',
        '<a href="data:text/html,<script>alert(1)</script>">x</a>',
        "<iframe src=https://evil.example/></iframe>",
        "<object data=https://evil.example/></object><embed src=https://evil.example/>",
        "<base href=https://evil.example/><link rel=stylesheet href=https://evil.example/>",
        "<style>@import url(https://evil.example/)</style>",
        '<p style="background:url(https://evil.example/);position:fixed;top:0">x</p>',
        "<table background=https://evil.example/><tr><td background=//evil.example/>x</table>",
        '<img srcset="https://evil.example/a 1x">',
        "<video src=https://evil.example/ poster=https://evil.example/></video>",
        "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    ],
)
def test_nothing_hostile_is_left(html: str) -> None:
    clean = shown(html).lower()
    for bad in ("script", "evil.example", "onerror", "onload", "javascript", "<form", "<input",
                "<meta", "<iframe", "url(", "position"):  # fmt: skip
        assert bad not in clean


def test_a_picture_of_the_mail_is_loaded_from_its_file_and_others_only_if_asked_for() -> None:
    html = (
        '<img src="cid:one%40x" alt="Lamp"><img src="cid:none"><img src="http://t.example/a.gif">'
    )
    assert 'src="/files/1"' in shown(html)
    assert "t.example" not in shown(html)
    assert cleaned(html, picture=lambda _: None, remote=False).remote == 1
    told = shown(html, remote=True)
    assert 'src="http://t.example/a.gif"' in told
    assert told.count('referrerpolicy="no-referrer"') == 3


def test_a_link_opens_apart_and_says_where_it_leads() -> None:
    clean = shown('<a href="https://evil.example/x?a=1&amp;b=&quot;">https://bank.example</a>')
    assert 'data-leads="evil.example"' in clean
    assert 'title="https://evil.example/x?a=1&amp;b=&quot;"' in clean
    assert 'target="_blank"' in clean
    assert 'rel="noopener noreferrer nofollow"' in clean


@pytest.mark.parametrize("before", ['style="color:red"', 'dir="ltr" width="1>2"', "align=left"])
def test_no_other_attribute_hides_where_a_link_leads(before: str) -> None:
    clean = shown(f'<a {before} href="https://evil.example">bank.example</a>')
    assert 'data-leads="evil.example" title="https://evil.example"' in clean
    assert 'href="https://evil.example"' in clean


def test_words_that_look_like_a_picture_are_words() -> None:
    assert shown('<p>src="cid:one@x"</p>') == '<p>src="cid:one@x"</p>'


def test_the_style_of_words_stays() -> None:
    assert shown('<p style="color:red;text-align:center">x</p>') == (
        '<p style="color:red;text-align:center">x</p>'
    )


def test_pictures_that_name_each_other_without_end_are_pictures_that_are_missing() -> None:
    html = "".join(f'<img src="cid:{number}">' for number in range(2_000))
    assert "cid:" not in shown(html)


def test_html_that_would_take_a_browser_long_is_only_its_words() -> None:
    began = time.monotonic()
    clean = shown("<div>" * 30_000 + "words" + "<b>" * 30_000)
    assert "words" in clean
    assert "<div" not in clean
    assert time.monotonic() - began < 5


def test_a_mail_without_html_has_nothing_formatted() -> None:
    assert formatted(letter().as_bytes(), picture=lambda _: None, remote=False) is None
    found = formatted(letter("<p>Yes</p>").as_bytes(), picture=lambda _: None, remote=False)
    assert found is not None
    assert found.html.strip() == "<p>Yes</p>"


def test_how_much_room_html_takes_is_estimated() -> None:
    assert lines_of("") == lines_of(None) == 0
    assert lines_of("<p>a</p>" * 10) >= 10
    assert lines_of("<p>a</p>", pictures=2) > 20
