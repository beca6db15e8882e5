"""What commands print of what strangers wrote."""

from __future__ import annotations

import json

from cplus.cli.auditing.log_lines import shown
from cplus.cli.plain import plain, value_line

COMMANDS = "\x1b[2J\x9b31m\x9d0;title\x9c\x7f\u202e\u2066\u2028\ud800"


def test_a_terminal_gets_no_character_that_it_obeys() -> None:
    assert plain(COMMANDS) == "�[2J�31m�0;title������"
    assert plain("ok\tå\n") == "ok\tå\n"


def test_the_data_of_an_event_is_printed_without_them_in_one_line() -> None:
    assert json.loads(value_line({"é": "\n\x9b"})) == {"é": "\n�"}
    said = {"shop": "s", "position": 1, "recorded_at": "-", "source": "webhook", "actor": "shopify"}
    said |= dict.fromkeys(("id", "correlation_id", "causation_id", "reason"))
    event = {"type": "t", "stream": "s", "version": 1, "occurred_at": "-", "data": {"a": COMMANDS}}
    lines = list(shown({**said, "claims": [], "refs": [], "events": [event]}))
    assert "\n".join(lines) == plain("\n".join(lines))
