"""`cplus mail preview`: every kind of mail that we send, in files."""

from __future__ import annotations

import json
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cplus.cli.mail import mail
from cplus.consumers.sending.purposes import registered
from cplus.mail import parse


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    out = tmp_path_factory.mktemp("mail") / "new" / "folder"
    found = CliRunner().invoke(mail, ["preview", "--out", str(out), "--json"])
    assert found.exit_code == 0, found.output
    mails: list[dict[str, Any]] = json.loads(found.stdout)["mails"]
    assert {path.name for path in out.iterdir()} == {
        f"{one['name']}.{ending}" for one in mails for ending in ("eml", "txt", "html")
    }
    return mails


def test_every_registered_kind_of_mail_has_an_example(written: list[dict[str, Any]]) -> None:
    assert {one["kind"] for one in written} == set(registered())


def test_every_example_is_a_valid_mail_that_says_the_same_twice(
    written: list[dict[str, Any]],
) -> None:
    assert len({one["name"] for one in written}) == len(written)
    for one in written:
        raw, text, html = (Path(path).read_bytes() for path in one["files"])
        assert len(raw) == one["size"]
        assert raw.isascii()
        read = parse(raw)
        assert (read.defects, read.subject) == ([], one["subject"])
        assert read.text.strip() == text.decode().strip()
        assert read.from_address == one["from"]
        assert message_from_bytes(raw, policy=default).defects == []
        assert b"<script" not in html
        assert b"{" not in text, "a value that was not filled in"


def test_a_later_reply_has_what_a_mail_program_gives_one(written: list[dict[str, Any]]) -> None:
    [text] = [Path(one["files"][1]) for one in written if one["name"] == "reply-later"]
    assert "\n-- \nSam Weaver\n" in text.read_text()
    assert "\nOn Mon, 23 Nov 2026 at 08:05, Ines Okafor wrote:\n> Yes, two please!\n" in (
        text.read_text()
    )


def test_the_files_of_an_example_go_with_it(written: list[dict[str, Any]]) -> None:
    [raw] = [Path(one["files"][0]) for one in written if one["name"] == "reply-files"]
    assert [one.name for one in parse(raw.read_bytes()).attachments] == [
        *("Blue jug, größer.png", "order.csv"),
    ]


def test_only_the_kinds_that_are_asked_for_are_written(tmp_path: Path) -> None:
    found = CliRunner().invoke(mail, ["preview", "--kind", "data_request", "--out", str(tmp_path)])
    assert found.exit_code == 0
    assert found.stdout.splitlines()[0].split(maxsplit=1) == [
        "data-request",
        "A customer asked for their data: answer by 23 December 2026",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("data-request.eml", "data-request.html", "data-request.txt"),
    ]


def test_an_unknown_kind_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    found = CliRunner().invoke(mail, ["preview", "--kind", "x", "--out", str(tmp_path)])
    assert found.exit_code == 2
    assert "'x' is no kind of mail: auto_reply, data_request, " in found.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = CliRunner().invoke(mail, ["preview", "--out", str(tmp_path / "file" / "below")])
    assert found.exit_code == 1
    assert len(found.stderr.splitlines()) == 1
