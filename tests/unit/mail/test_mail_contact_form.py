"""Shopify's contact form: read by its structure, in any language, and not fooled by its content."""

from __future__ import annotations

import pytest

from cplus.mail import ContactForm, InboundMail, contact_form, parse
from tests.conftest import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "mail"


def form(name: str) -> ContactForm:
    found = contact_form(parse((FIXTURES / f"{name}.eml").read_bytes()))
    assert found is not None
    return found


def from_shopify(**values: object) -> InboundMail:
    return InboundMail.model_validate({"from_address": "mailer@shopify.com", **values})


def test_the_html_form_is_read_with_the_merchants_own_fields() -> None:
    assert form("contact_form_html") == ContactForm(
        name="Ines Okafor",
        email="ines.okafor@example.com",
        email_field="ines.okafor@example.com",
        phone="+1 555 0100",
        country_code="US",
        body="Hello,\n\nis the blue jug & bowl back in stock?\n  - Ines",
        fields={"Order number": "#1042"},
    )


def test_the_form_with_strong_and_line_breaks_is_read() -> None:
    found = form("contact_form_strong")
    assert (found.name, found.country_code, found.phone) == ("Ines Okafor", "US", "")
    assert found.body == "Hello,\n\nis the jug back?"


def test_the_text_form_with_values_below_the_labels_is_read() -> None:
    found = form("contact_form_text")
    assert (found.name, found.country_code, found.phone) == ("Ines Okafor", "US", "")
    assert found.body.startswith("Hello,\n\nis the jug back?")


def test_the_text_form_with_values_beside_the_labels_is_read() -> None:
    found = form("contact_form_text_same_line")
    assert (found.name, found.phone) == ("Ines Okafor", "+1 555 0100")
    assert found.body == "Is the jug back?\nThanks"


def test_localised_labels_are_read() -> None:
    found = form("contact_form_german")
    assert (found.name, found.country_code) == ("Jörg Brandt", "DE")
    assert (found.email, found.phone) == ("joerg.brandt@example.org", "030 5550100")
    assert found.body == "Ist der Krug wieder da?\nGrüße"


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("contact_form_unknown_language", "Cái bình màu xanh còn hàng không?"),
        (
            "contact_form_unknown_language_text",
            "Cái bình còn hàng không?\nGhi chú: gọi sau 5 giờ",
        ),
    ],
)
def test_a_form_in_an_unknown_language_is_read_by_its_structure(name: str, body: str) -> None:
    found = form(name)
    assert (found.name, found.email) == ("Mai Tran", "mai.tran@example.org")
    assert (found.country_code, found.body) == ("VN", body)


def test_lines_of_the_message_that_look_like_labels_stay_in_the_message() -> None:
    found = form("contact_form_text")
    assert found.body.endswith("Email: someone.else@example.net\nName: Mallory")
    assert found.email_field == "ines.okafor@example.com"


def test_html_in_the_message_changes_no_field() -> None:
    found = form("contact_form_hostile")
    assert found.name == "Mallory <b>Email:</b>"
    assert (found.email, found.email_field) == ("mallory@example.net", "mallory@example.net")
    assert (found.phone, found.fields) == ("", {})
    assert found.body.startswith("Email: victim@example.com\nName: Admin\n<div class=")
    assert found.body.endswith("end")
    assert "alert" not in found.body


def test_a_message_that_breaks_out_of_its_part_changes_no_field_that_was_read() -> None:
    html = (
        '<div class="form-section"><b>Email:</b> <pre>mallory@example.net</pre></div>'
        '<div class="form-section"><b>Body:</b> <pre>Hi</pre></div>'
        '<div class="form-section"><b>Email:</b> <pre>victim@example.com</pre></div>'
    )
    found = contact_form(from_shopify(html=html))
    assert found is not None
    assert found.email == "mallory@example.net"
    assert found.body == "Hi\nEmail: victim@example.com"


def test_the_answer_goes_to_reply_to_and_else_to_the_field() -> None:
    html = (
        '<div class="form-section"><b>Email:</b> <pre>Field@example.com</pre></div>'
        '<div class="form-section"><b>Body:</b> <pre>Hi</pre></div>'
    )
    expected = {
        "reply@example.com": "reply@example.com",
        "mailer@shopify.com": "field@example.com",
        "x@mail.shopify.com": "field@example.com",
        None: "field@example.com",
    }
    for reply_to, email in expected.items():
        found = contact_form(from_shopify(html=html, reply_to=reply_to))
        assert found is not None
        assert (found.email, found.email_field) == (email, "field@example.com")


def test_a_form_of_an_unknown_shape_falls_back_to_the_text() -> None:
    found = form("contact_form_broken")
    assert not found.structured
    assert found.email == "ines.okafor@example.com"
    assert found.body.endswith("Ines wrote: where is my jug?")


def test_other_mail_of_shopifys_mailer_is_no_form() -> None:
    assert contact_form(from_shopify(subject="Your payout", text="Total: 5\nSent: today")) is None


def test_mail_from_anyone_else_is_no_form() -> None:
    mail = parse((FIXTURES / "contact_form_html.eml").read_bytes())
    assert contact_form(mail.model_copy(update={"from_address": "mailer@shopify.example"})) is None
