"""What the reports of commands say of counts and times."""

from __future__ import annotations

import io
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from click.testing import CliRunner

from cplus.cli import main
from cplus.cli.auditing.audit import Report as Audited
from cplus.cli.auditing.audit import audit
from cplus.cli.mail import mail
from cplus.cli.read_models.projections import Text, projections
from cplus.cli.read_models.verify import Report as Verified
from cplus.projections.checks.verify import Difference
from cplus.projections.lag.lag import Lag
from cplus.projections.lag.sums import Sums
from cplus.subscriptions.checkpoints import Retry


def test_a_verify_of_one_shop_with_one_row_says_no_plural() -> None:
    one = Difference("acorn.myshopify.com", "shop", "differs", ("name",))
    report = Verified("shops", "shops.v1", 1, 1, 1, [one], [])
    assert report.text().endswith("shops.v1: 1 shop, 1 event, 1 row, 1 difference")


def test_a_verify_says_which_counts_of_a_shop_are_wrong() -> None:
    wrong = Difference("acorn.myshopify.com", "", "miscounted", ("open", "unanswered"))
    report = Verified("conversations", "conversations.v1", 1, 1, 1, [wrong], [])
    assert report.text().splitlines()[0] == "acorn.myshopify.com: miscounted in open, unanswered"
    assert not report.ok


def test_an_audit_says_its_counts_as_all_commands_do() -> None:
    assert Audited(1, 1, 1, [], [], []).text() == (
        "1 shop, 1 commit against the roots of 1 day: intact"
    )
    assert Audited(2, 12_000, None, [], [], []).text().startswith("2 shops, 12,000 commits: ")


def said(*parts: list[Lag]) -> list[str]:
    """What `cplus projections lag` says of readers that it is told of some at a time."""
    out = io.StringIO()
    report, sums = Text(out), Sums()
    for part in parts:
        report.add(part)
        sums.add(part)
    report.end(asdict(sums.totals()))
    return out.getvalue().splitlines()


def test_a_lag_says_what_its_sums_leave_out_and_how_many_lines_it_does() -> None:
    def behind(number: int, *, filled: bool) -> Lag:
        collection = "shops.v1" if filled else "shops.v1.g2"
        shop = f"s{number}.myshopify.com"
        return Lag("shops", collection, filled, filled, shop, 9, 2, True, 2, 7, 100_000.0, None)

    found = [behind(0, filled=False), *(behind(number, filled=True) for number in range(44))]
    first, *rest, last = said(found[:30], found[30:])
    assert first == "s0.myshopify.com: shops.v1.g2 (not in use) is 7 events and 1 day 3 h behind"
    assert (len(rest), rest[-1]) == (40, "… and 5 more")
    assert last == (
        "44 shops, 1 reader each (read models and reactions): 308 events behind, "
        "at most 1 day 3 h (p99: 1 day 3 h), 0 parked; not counting unused generations: shops.v1.g2"
    )


def test_a_lag_says_when_a_reaction_tries_again_what_failed() -> None:
    since = datetime(2026, 11, 30, 8, tzinfo=UTC)
    retry = Retry(3, "mail.sent", "LookupError", 4, since, since + timedelta(minutes=8))
    lag = Lag(
        "react-a", "react-a", True, True, "s.myshopify.com", 9, 2, True, 2, 7, 90.0, None, retry
    )
    [line, _] = said([lag])
    assert line == (
        "s.myshopify.com: react-a is 7 events and 1 min 30 s behind, failed 4 times at position 3, "
        "to be tried again at 2026-11-30 08:08 UTC: LookupError mail.sent"
    )


def test_no_command_is_cut_short_where_it_is_listed() -> None:
    for group in (main, projections, audit, mail):
        _usage, *lines = CliRunner().invoke(group, ["--help"]).output.splitlines()
        assert not [line for line in lines if line.endswith("...")]
