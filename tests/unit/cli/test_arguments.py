"""What commands say of arguments that no log has: one line, and no traceback."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from cplus.aws.dead_letters import MOST
from cplus.cli.auditing.as_it_was import at_command
from cplus.cli.auditing.log import log
from cplus.cli.connecting import failures
from cplus.cli.dead import dead

SHOP = "acorn.myshopify.com"


@pytest.mark.parametrize("digits", ["0", "9" * 30, str(2**63 + 5), "9" * 5_000])
def test_a_position_that_no_log_has_is_refused_by_every_command(digits: str) -> None:
    commands: list[tuple[click.Command, list[str]]] = [
        (log, ["show", SHOP, digits]),
        (log, ["conversation", SHOP, "c", "--before", digits]),
        (at_command, [digits, SHOP, "--stream", "s"]),
        (at_command, ["1", SHOP, "--stream", "s", "--diff", digits]),
    ]
    for command, arguments in commands:
        done = CliRunner().invoke(command, arguments)
        assert (done.exit_code, type(done.exception)) == (2, SystemExit), arguments


def test_an_argument_of_other_bytes_than_characters_is_said_in_a_line() -> None:
    @click.command()
    @click.argument("text")
    def command(text: str) -> None:
        with failures():
            text.encode()

    done = CliRunner().invoke(command, ["a\udcffb"])
    assert (done.exit_code, done.output) == (1, "Error: an argument is not valid UTF-8\n")


def test_no_more_dead_letters_are_asked_for_than_are_looked_through() -> None:
    asked = next(option for option in dead.commands["list"].params if option.name == "limit")
    assert isinstance(asked.type, click.IntRange)
    assert asked.type.max == MOST
