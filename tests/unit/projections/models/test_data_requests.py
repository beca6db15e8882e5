"""Rows of customers' requests for their data."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

from cplus.events.base import Event, Recorded
from cplus.events.catalogue.privacy import (
    DataRequested,
    NoticeBounced,
    NoticeDelivered,
    NoticeKind,
    NoticeRequested,
    NoticeSent,
    PersonErased,
    PersonExported,
)
from cplus.projections.models.data_requests import DATA_REQUESTS, count
from tests.unit.projections.models.told_events import at, fold, recorded

ANN = "person/a"


def asked(minutes: int, number: int) -> Recorded:
    due = at(minutes) + timedelta(days=30)
    event = DataRequested(request_id=9, person=ANN, email="ann@example.com", due_at=due)
    return recorded(event, minutes, number, "data-request/9")


def exported(minutes: int, number: int, request: int | None = 9) -> Recorded:
    event: Event = PersonExported(person=ANN, request_id=request, format="json")
    return recorded(event, minutes, number, ANN)


def notice(kind: NoticeKind) -> list[Recorded]:
    """The mail is wished for, sent and delivered, and comes back after all."""
    said: dict[str, Any] = {"message_id": kind, "request_id": 9, "kind": kind}
    bounced = NoticeBounced(**said, permanent=True, reason="Permanent/General")
    events = [
        (NoticeRequested(**said, due_at=at(9)), "data-request/9"),
        (NoticeSent(**said, ses_message_id="ses-1"), f"mail/{kind}"),
        (NoticeDelivered(**said), f"mail/{kind}"),
        (bounced, f"mail/{kind}"),
    ]
    return [recorded(one, 2 + n, 2 + n, stream) for n, (one, stream) in enumerate(events)]


def test_of_each_mail_to_the_merchant_the_furthest_fate_is_its_status() -> None:
    for order in permutations(notice("first")):
        told = [asked(1, 1), *order]
        mail = fold(DATA_REQUESTS, [*told, *told])["9"]["notices"]["first"]
        assert (mail["status"], mail["status_at"]) == ("bounced", at(5))
        assert (mail["reason"], mail["ses_message_id"]) == ("Permanent/General", "ses-1")
        assert mail["requested_at"] == at(2)
    both = fold(DATA_REQUESTS, [asked(1, 1), *notice("first"), notice("reminder")[0]])["9"]
    assert {kind: one["status"] for kind, one in both["notices"].items()} == {
        "first": "bounced",
        "reminder": "written",
    }
    assert count({"9": both}) == {"requests": 1, "open": 1, "erased": 0}
    assert fold(DATA_REQUESTS, notice("first")) == {}, "of a request that was forgotten"


def test_a_request_told_again_is_one_and_due_by_the_first() -> None:
    for told in ([asked(1, 1), asked(7, 2)], [asked(7, 1), asked(1, 2)]):
        rows = fold(DATA_REQUESTS, told)
        assert list(rows) == ["9"]
        assert (rows["9"]["at"], rows["9"]["due_at"]) == (at(1), at(1) + timedelta(days=30))
        assert count(rows) == {"requests": 1, "open": 1, "erased": 0}


def test_the_first_export_that_answers_a_request_closes_it_and_no_other_does() -> None:
    rows = fold(DATA_REQUESTS, [asked(1, 1), exported(2, 2, None), exported(3, 3, 8)])
    assert count(rows) == {"requests": 1, "open": 1, "erased": 0}
    rows = fold(DATA_REQUESTS, [asked(1, 1), exported(4, 2), exported(5, 3), asked(6, 4)])
    assert (rows["9"]["exported"], rows["9"]["exported_at"]) == (True, at(4))
    assert count(rows) == {"requests": 1, "open": 0, "erased": 0}


def test_a_request_of_who_was_erased_is_neither_open_nor_answered() -> None:
    gone = recorded(PersonErased(erasure="e1", person=ANN, requests=(9,)), 5, 5, ANN)
    rows = fold(DATA_REQUESTS, [asked(1, 1), gone])
    assert count(rows) == {"requests": 1, "open": 0, "erased": 1}
    rows = fold(DATA_REQUESTS, [asked(1, 1), exported(2, 2), gone])
    assert count(rows) == {"requests": 1, "open": 0, "erased": 0}
