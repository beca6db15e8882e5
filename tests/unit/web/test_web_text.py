"""How strangers' words, times and money read on a page."""

from __future__ import annotations

import re
import time
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cplus.actors import merchant
from cplus.clock import zone
from cplus.commands.conversations.answering import message_id
from cplus.events.aggregates.settings import ShopSettings
from cplus.events.aggregates.team import Team
from cplus.web.kit import formats, i18n, text
from cplus.web.kit.auth import Session
from cplus.web.kit.forms import new_key
from cplus.web.kit.pages import Pages
from cplus.web.kit.signed_in import Merchant

_TAG = re.compile(r"<[^>]*>")


@given(st.text())
def test_no_text_becomes_a_tag_but_our_own_links(words: str) -> None:
    html = str(text.linked(words))
    for tag in _TAG.findall(html):
        assert tag == "</a>" or re.fullmatch(
            r'<a href="https?://[^"<>\']+" target="_blank" rel="noopener noreferrer nofollow ugc">',
            tag,
        )


@pytest.mark.parametrize(
    ("words", "address"),
    [
        ("see http://a.example/x?b=1&c=2.", "http://a.example/x?b=1&amp;c=2"),
        ("(https://a.example/y)", "https://a.example/y"),
        ('"https://a.example"onclick=x', "https://a.example"),
        ("https://a.example/<script>", "https://a.example/"),
    ],
)
def test_a_web_address_becomes_a_link_that_ends_where_it_ends(words: str, address: str) -> None:
    assert f'href="{address}"' in str(text.linked(words))


@pytest.mark.parametrize(
    "words",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "http://",
        "ftp://a.example",
        "//a.example",
        "x@y",
        "https://user:pw@blue-jam.myshopify.com@evil.example/",
        "https://blue-jam.myshopify.com:443@evil.example/",
        "https://blue-jam.myshopify.com%2f@evil.example/",
        "https://evil.example\\@blue-jam.myshopify.com/",
        "https://blue-j\u0430m.myshopify.com/",
    ],
)
def test_what_is_no_web_address_stays_text(words: str) -> None:
    assert "<a" not in str(text.linked(words))


def test_marks_that_only_deceive_do_not_reach_the_page() -> None:
    assert str(text.linked("evil\u202etxt.exe\0\x1b[31m")) == "eviltxt.exe[31m"
    assert i18n.shown("a\u202eb\tc\nd") == "ab\tc\nd"
    turned = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x85\x9b"
    assert i18n.shown(f"a{turned}b") == str(text.linked(f"a{turned}b")) == "ab"
    assert str(text.breakable(f"ann{turned}@example.com")) == "ann@<wbr>example.com"
    assert i18n.shown(7) == 7


def test_the_ends_of_the_calendar_are_told_in_any_zone() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    for name in ("America/New_York", "Asia/Tokyo"):
        for moment in (first, last):
            assert formats.brief_time(moment, now, zone(name))
            assert formats.full_time(moment, zone(name))
            assert formats.date(moment, zone(name))


def test_a_megabyte_is_linked_in_little_time() -> None:
    started = time.perf_counter()
    text.linked("http://" * 150_000)
    text.linked("<" * 1_000_000)
    assert time.perf_counter() - started < 5


@given(st.text(max_size=9_000))
def test_folding_loses_nothing(words: str) -> None:
    beginning, rest = text.folded(words)
    assert beginning + rest == words
    assert len(beginning) <= text.SHOWN + text.SHOWN // 4


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("1234.5", "EUR", "€1,234.50"),
        ("-3", "USD", "-$3.00"),
        ("-1234.5", "NOK", "-1,234.50 NOK"),
        (Decimal("0.00"), "NOK", "0.00 NOK"),
        (0, "GBP", "£0.00"),
        (19.9, "CAD", "CA$19.90"),
        ("7", None, "7.00"),
        ("7", "", "7.00"),
    ],
)
def test_money_reads_as_money(amount: object, currency: str | None, expected: str) -> None:
    assert formats.money(amount, currency) == expected


@pytest.mark.parametrize(
    ("currency", "expected"),
    [
        ("EUR", "€1,234.57"),
        ("JPY", "¥1,235"),
        ("KRW", "₩1,235"),
        ("CLP", "1,235 CLP"),
        ("XOF", "1,235 XOF"),  # its sign in English is "F CFA", which reads badly before digits
        ("KWD", "1,234.568 KWD"),
        ("BHD", "1,234.568 BHD"),
    ],
)
def test_an_amount_has_the_decimals_of_its_currency(currency: str, expected: str) -> None:
    assert formats.money("1234.5678", currency) == expected


@pytest.mark.parametrize("currency", ["XYZ", "eur", "EU", "€", "¤", "a'b¤#0.00", "<b>", "💶", " "])
def test_an_unknown_currency_follows_the_amount_as_it_was_given(currency: str) -> None:
    assert formats.money("-1234.5", currency) == f"-1,234.50 {currency}"


@pytest.mark.parametrize("amount", ["much", "", None, [], "1,5", "NaN", "sNaN", "-Infinity"])
@pytest.mark.parametrize("currency", ["EUR", "KWD", "XYZ", None])
def test_what_is_no_number_shows_as_a_dash(amount: object, currency: str | None) -> None:
    assert formats.money(amount, currency) == "–"


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (
            "12345678901234567890123456789012345.678",
            "€12,345,678,901,234,567,890,123,456,789,012,345.68",
        ),
        ("1e30", "€1" + ",000" * 10 + ".00"),
        ("-" + "9" * 50, "-€99" + ",999" * 16 + ".00"),
        ("0." + "1" * 5_000, "€0.11"),
        ("1e-5000", "€0.00"),
        ("1e50", "–"),
        ("-1e999999", "–"),
    ],
)
def test_a_huge_amount_shows_all_its_digits_or_a_dash(amount: str, expected: str) -> None:
    assert formats.money(amount, "EUR") == expected


@given(st.text() | st.decimals() | st.floats() | st.integers() | st.none(), st.text() | st.none())
def test_no_amount_and_no_currency_break_a_page(amount: object, currency: str | None) -> None:
    assert formats.money(amount, currency)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 11, 23, 22, 30, tzinfo=UTC), "23:30"),
        (datetime(2026, 11, 22, 23, 30, tzinfo=UTC), "00:30"),
        (datetime(2026, 11, 22, 22, 30, tzinfo=UTC), "Yesterday, 23:30"),
        (datetime(2026, 11, 3, 9, tzinfo=UTC), "3 Nov"),
        (datetime(2025, 11, 3, 9, tzinfo=UTC), "3 Nov 2025"),
    ],
)
def test_times_are_told_in_the_zone_of_the_shop(moment: datetime, expected: str) -> None:
    now = datetime(2026, 11, 23, 22, 45, tzinfo=UTC)
    assert formats.brief_time(moment, now, zone("Europe/Oslo")) == expected


@pytest.mark.parametrize("name", [None, "", "Nowhere/At_All", "../../etc/passwd", "/etc/passwd"])
def test_an_unknown_time_zone_is_utc(name: str | None) -> None:
    assert zone(name).key == "UTC"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Ada Brandt", "AB"), ("ada@example.com", "A"), ("سارة", "س"), ("<b>", "?"), ("", "?")],
)
def test_initials_stand_for_a_name(name: str, expected: str) -> None:
    assert text.initials(name) == expected


@pytest.mark.parametrize("recorded", ["merchant", "", None])
def test_a_reply_from_before_users_were_known_is_the_merchants(recorded: str | None) -> None:
    assert text.author(recorded, _reader()) == "Merchant"


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        ("ada", "Ada Brandt"),
        ("2", "Sam Ito"),
        ("548380009", "Staff member 548380009"),
        ("admin", "Shop admin"),
        ("local", "Local user"),
        ("Ben Okoro", "Ben Okoro"),  # recorded while replies held names
    ],
)
def test_whoever_reads_sees_names_as_far_as_they_are_known_and_else_ids(
    recorded: str, expected: str
) -> None:
    assert text.author(recorded, _reader()) == expected


def _reader() -> Merchant:
    """Ada Brandt, of whose team one more name is known."""
    session = Session("acorn.myshopify.com", "s", datetime.now(UTC), merchant("ada", "Ada Brandt"))
    team, settings = Team.empty("team/acorn"), ShopSettings.empty("settings/acorn")
    return Merchant(session, None, "", team, settings, {"2": "Sam Ito"})


def test_one_form_writes_one_message() -> None:
    key = new_key()
    one = message_id("acorn.myshopify.com", "c1", key)
    assert one == message_id("acorn.myshopify.com", "c1", key)
    assert re.fullmatch(r"[a-z0-9]{16}", one)
    assert one != message_id("birch.myshopify.com", "c1", key)
    assert one != message_id("acorn.myshopify.com", "c2", key)


def test_static_files_are_named_by_their_content_and_kept_for_ever() -> None:
    pages = Pages(lambda: datetime(2026, 11, 1, tzinfo=UTC), "https://admin.example.com")
    name = pages.address("app.css").removeprefix("/static/")
    assert re.fullmatch(r"app\.[0-9a-f]{12}\.css", name)
    answer = pages.static(name)
    assert answer is not None
    assert "immutable" in answer.headers["cache-control"]
    old = pages.static("app.000000000000.css")  # of the version before
    assert old is not None
    assert old.headers["cache-control"] == "no-cache"
    for missing in ("../app.css", "", "app.py", "mark.x.css"):
        assert pages.static(missing) is None


def test_a_date_has_its_year() -> None:
    late = datetime(2026, 11, 3, 23, 30, tzinfo=UTC)
    assert formats.date(late, zone("Europe/Oslo")) == "4 Nov 2026"


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 11, 3, 13, 2, tzinfo=UTC), "3 Nov 2026, 14:02"),
        (datetime(2026, 9, 3, 22, 5, tzinfo=UTC), "4 Sep 2026, 00:05"),
        (datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "1 Jan 2027, 00:30"),
    ],
)
def test_a_moment_is_told_in_full(moment: datetime, expected: str) -> None:
    assert formats.full_time(moment, zone("Europe/Oslo")) == expected


def test_the_days_of_a_year_read_as_in_english() -> None:
    months = [formats.calendar(date(2026, month, 9)) for month in range(1, 13)]
    assert months == [
        *("9 Jan", "9 Feb", "9 Mar", "9 Apr", "9 May", "9 Jun"),
        *("9 Jul", "9 Aug", "9 Sep", "9 Oct", "9 Nov", "9 Dec"),
    ]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("Permanent/NoEmail", "the address doesn’t exist"),
        ("Transient/MailboxFull", "the mailbox is full"),
        ("Transient/SomethingNew", "the mailbox temporarily rejected it"),
        ("Undetermined/Undetermined", "the mailbox rejected it"),
        (None, "the mailbox rejected it"),
    ],
)
def test_a_bounce_is_told_in_words_for_people(reason: str | None, expected: str) -> None:
    assert text.bounce(reason) == expected


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("the to address is not valid", "the to address is not valid"),
        ("Bad content", "it was flagged as containing a virus"),
        ("MessageRejected", ""),
        (None, ""),
    ],
)
def test_a_rejection_is_told_only_in_words_for_people(reason: str | None, expected: str) -> None:
    assert text.rejection(reason) == expected
