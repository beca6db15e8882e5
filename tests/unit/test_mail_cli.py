"""`cplus mail parse`: what the system makes of a mail, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from cplus.cli.mail import mail

FIXTURES = Path(__file__).parents[1] / "fixtures" / "mail"


def test_a_mail_is_shown_for_people() -> None:
    found = CliRunner().invoke(mail, ["parse", str(FIXTURES / "contact_form_html.eml")])
    assert found.exit_code == 0
    assert "Name:         Ines Okafor" in found.output
    assert "is the blue jug & bowl back in stock?" in found.output


def test_a_mail_is_one_json_object_for_programs() -> None:
    path = str(FIXTURES / "contact_form_html.eml")
    found = CliRunner().invoke(mail, ["parse", path, "--json"])
    said = json.loads(found.output)
    assert said["contact_form"]["email"] == "ines.okafor@example.com"
    assert said["message_id"] == "contact_form_html@shopify.com"


def test_garbage_on_standard_input_is_shown_with_its_defects() -> None:
    found = CliRunner().invoke(mail, ["parse", "-", "--json"], input=b"\x00\xff")
    assert found.exit_code == 0
    assert "no MIME" in json.loads(found.output)["defects"]


def test_a_mail_cannot_steer_the_terminal() -> None:
    raw = b"From: a@example.com\n\n\x1b[2Jgone"
    found = CliRunner().invoke(mail, ["parse", "-"], input=raw)
    assert "\x1b" not in found.output
    assert "gone" in found.output


def test_a_file_that_is_not_there_is_an_error() -> None:
    assert CliRunner().invoke(mail, ["parse", "/nowhere.eml"]).exit_code != 0
