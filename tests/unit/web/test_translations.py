"""All of our texts are there in every language, and say the same."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from babel.messages.catalog import Message

from cplus.clock import zone
from cplus.web.kit import formats
from cplus.web.kit.i18n import (
    ENGLISH,
    LANGUAGES,
    catalog_of,
    gettext,
    ngettext,
    number,
    shown,
    speak,
    translated,
)
from cplus.web.kit.pages import Pages
from cplus.web.kit.script_texts import script_texts
from cplus.wording import worded, worded_of
from scripts.translations import extracted, untranslated, updated, written
from tests.conftest import ROOT

OTHERS = [one for one in LANGUAGES if one != ENGLISH]
_PIECES = re.compile(r"%\(\w+\)s|</?[a-z][^>]*>|%%")
"""What a text must have in every language: its values and its HTML."""
_SCRIPTS = ROOT / "cplus" / "web" / "static"
_SAID = re.compile(r'\bsay\(\s*"(\w+)"|\bbutton\("(\w+)"')


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    yield
    speak(ENGLISH)


def _forms(value: object) -> Iterable[str]:
    return (str(one) for one in value) if isinstance(value, list | tuple) else (str(value),)


def _pieces(text: str) -> list[str]:
    return sorted(_PIECES.findall(text))


@pytest.mark.parametrize("language", OTHERS)
def test_the_catalog_has_every_text_that_is_shown_and_no_other(language: str) -> None:
    catalog = updated(language, extracted())
    assert len(catalog) > 100
    # Run scripts/translations.py, and write what it says is missing.
    assert [one.id for one in untranslated(catalog)] == []
    assert catalog_of(language).read_bytes() == written(catalog)


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_values_and_the_html_of_its_text(language: str) -> None:
    def wrong(message: Message) -> bool:
        wanted = _pieces(list(_forms(message.id))[-1])
        return any(_pieces(form) != wanted for form in _forms(message.string))

    catalog = updated(language, extracted())
    assert [one.id for one in catalog if one.id and wrong(one)] == []


def test_every_text_of_a_script_is_asked_for_and_there() -> None:
    asked = {
        name
        for path in _SCRIPTS.glob("*.js")
        for found in _SAID.findall(path.read_text("utf-8"))
        for name in found
        if name
    }
    # The buttons of a file name it too, for who hears them.
    asked |= {f"{name}_file" for name in ("try_again", "remove")}
    assert asked == set(script_texts())


def test_a_text_knows_its_language_only_on_the_page() -> None:
    text = worded("Customer no. %(number)s in Shopify", number="7")
    assert (text, shown(text)) == ("Customer no. 7 in Shopify",) * 2
    speak("de")
    assert text == "Customer no. 7 in Shopify"
    assert shown(text) == translated(pickle.loads(pickle.dumps(text)))
    assert shown(text) == "Kunde Nr. 7 in Shopify"
    assert shown("No subject") == "No subject"


def test_a_count_chooses_the_form_and_is_written_as_the_language_does() -> None:
    words = ("%(num)s Byte", "%(num)s Bytes")
    assert [worded_of(n, *words) for n in (1, 2_000)] == ["1 Byte", "2,000 Bytes"]
    assert ngettext(*words, 2_000) == "2,000 Bytes"
    speak("de")
    assert ngettext(*words, 2_000) == translated(worded_of(2_000, *words)) == "2.000 Byte"
    assert (number(12_345), formats.size(1_250_000)) == ("12.345", "1,2 MB")


def test_a_value_that_deceives_reaches_no_text() -> None:
    turned = "Ada\u202egpj"
    assert gettext("%(name)s (support of this app)", name=turned) == "Adagpj (support of this app)"


def test_dates_money_and_times_are_told_as_the_language_does() -> None:
    moment, oslo = datetime(2026, 11, 3, 13, 2, 9, tzinfo=UTC), zone("Europe/Oslo")
    speak("de")
    assert formats.full_time(moment, oslo) == "3. Nov. 2026, 14:02"
    assert formats.exact_time(moment, oslo) == "3. Nov. 2026, 14:02:09"
    assert formats.brief_time(moment, moment, oslo) == "14:02"
    assert formats.calendar(date(2026, 3, 5)) == "5. März"
    assert formats.money("1234.5", "EUR") == "1.234,50\u00a0€"
    assert formats.money("1.25", "KWD") == "1,250 KWD"
    assert [formats.span(one) for one in (40, 12_600, 86_400, 129_600)] == [
        "40 s",
        "3,5 Std.",
        "1 Tag",
        "1,5 Tage",
    ]


def test_a_language_that_is_not_there_is_english() -> None:
    speak("tlh")
    assert gettext("No subject") == "No subject"


def test_the_examples_of_the_guide_work() -> None:
    guide = (ROOT / "docs" / "how-to" / "translate.md").read_text("utf-8")
    [template] = re.findall(r"```jinja\n(.*?)```", guide, re.DOTALL)
    [code] = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    environment = Pages(lambda: datetime.now(UTC), "")._environment
    made: dict[str, Any] = {}
    exec(code, made)
    speak("de")
    page = environment.from_string(template).render(address="<ada>", files=2_000)
    assert "<h1>Posteingang</h1>" in page
    assert "Geht als E-Mail an <bdi>&lt;ada&gt;</bdi>" in page
    assert "2.000 Anhänge" in page
    assert [shown(label) for _, label in made["TABS"]] == ["Offen", "Geschlossen"]
    reason = made["refused"](1_000).values["reason"]
    assert reason == "a mail can go to up to 1,000 addresses"
    assert shown(reason) == "eine E-Mail kann an bis zu 1.000 Adressen gehen"
    assert made["outdated"]().detail.startswith("Dieses Formular ist veraltet.")
