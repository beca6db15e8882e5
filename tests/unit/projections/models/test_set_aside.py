"""Rows of mail that started nothing by itself."""

from __future__ import annotations

from cplus.events.catalogue.mail import MailTakenUp
from cplus.projections.models.set_aside import SET_ASIDE
from tests.samples import MAIL_ASIDE
from tests.unit.projections.models.told_events import fold, recorded

CAME = recorded(MAIL_ASIDE, 1, 1, "mail/m1")
TAKEN = recorded(MailTakenUp(message_id="m1", conversation_id="c1"), 2, 2, "mail/m1")


def test_a_mail_set_aside_is_a_row_with_its_reason() -> None:
    row = fold(SET_ASIDE, [CAME])["m1"]
    assert (row["reason"], row["snippet"], row["conversation_id"]) == ("spam", "Is it blue?", None)
    assert row["at"] == CAME.occurred_at


def test_a_mail_that_was_made_a_conversation_names_it_also_if_it_is_told_again() -> None:
    row = fold(SET_ASIDE, [CAME, TAKEN])["m1"]
    assert row["conversation_id"] == "c1"
    assert fold(SET_ASIDE, [CAME, TAKEN, CAME, TAKEN])["m1"] == row
