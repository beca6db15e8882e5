"""`cplus mail parse`: what the system makes of a mail, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cplus.cli.mail import mail
from cplus.counts import counted
from tests.conftest import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "mail"


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


@pytest.mark.parametrize(
    "raw",
    [b"", b"\n\n", bytes(range(256)) * 40, b"# A text\n\nSubject: none\n", b"PK\x03\x04\x14\0\0"],
    ids=["nothing", "empty lines", "binary", "a text", "a zip"],
)
def test_what_is_no_mail_is_one_line_and_no_success(raw: bytes, tmp_path: Path) -> None:
    file = tmp_path / "one.eml"
    file.write_bytes(raw)
    found = CliRunner().invoke(mail, ["parse", str(file)])
    assert (found.exit_code, found.stdout) == (1, "")
    assert found.stderr.startswith(f"Error: {file} ({counted(len(raw), 'byte')}) is not an email")
    assert len(found.stderr.splitlines()) == 1


def test_garbage_on_standard_input_is_told_with_its_defects_and_no_success() -> None:
    found = CliRunner().invoke(mail, ["parse", "-", "--json"], input=b"\x00\xff")
    assert found.exit_code == 1
    assert "no MIME" in json.loads(found.stdout)["defects"]
    assert found.stderr.startswith("Error: standard input (2 bytes) is not an email")


def test_a_folder_is_refused_as_one(tmp_path: Path) -> None:
    found = CliRunner().invoke(mail, ["parse", str(tmp_path)])
    assert (found.exit_code, found.stdout) == (2, "")
    assert "is a directory" in found.stderr


def test_a_mail_cannot_steer_the_terminal() -> None:
    raw = b"From: a@example.com\n\n\x1b[2Jgone"
    found = CliRunner().invoke(mail, ["parse", "-"], input=raw)
    assert "\x1b" not in found.output
    assert "gone" in found.output


def test_a_mail_without_a_sender_shows_none() -> None:
    found = CliRunner().invoke(mail, ["parse", "-"], input=b"To: a@example.com\n\nhello")
    assert found.exit_code == 0
    assert found.stdout.splitlines() == ["Defects:      no sender", "", "hello"]


def test_a_file_that_is_not_there_is_an_error() -> None:
    assert CliRunner().invoke(mail, ["parse", "/nowhere.eml"]).exit_code != 0
