"""The command `cplus`."""

from __future__ import annotations

import sys

try:
    import asyncio
    from typing import Any

    import click

    from cplus.cli.auditing.audit import audit
    from cplus.cli.auditing.log import log
    from cplus.cli.connecting import INTERRUPTED
    from cplus.cli.dead import dead
    from cplus.cli.erase import erase
    from cplus.cli.keys import keys
    from cplus.cli.mail import mail
    from cplus.cli.metrics import metrics
    from cplus.cli.migrate import migrate
    from cplus.cli.read_models.projections import projections
    from cplus.cli.read_models.prove import prove
    from cplus.cli.read_models.rebuild import rebuild
    from cplus.cli.read_models.replay import replay
    from cplus.cli.read_models.verify import verify
    from cplus.cli.seal import seal
    from cplus.cli.up import up
    from cplus.cli.webhooks import webhooks
except KeyboardInterrupt:  # Ctrl-C before there is a command that could be stopped
    sys.stderr.write("stopped\n")
    sys.exit(130)

__all__ = ["main"]

# Short help for `cplus --help`, which truncates longer texts.
_COMMANDS = (
    (audit, "Verify the log's integrity; show the past."),
    (dead, "Look at dead letters; redrive them."),
    (erase, "Erase what is kept about a person."),
    (keys, "Rotate the keys that wrap others."),
    (log, "Ask the log who did what, when and why."),
    (mail, "Show how mail is read, and what is sent."),
    (metrics, "Show daily figures per shop."),
    (migrate, "Create missing indexes and checkpoints."),
    (projections, "Lag of read models and reactions; resume parked ones."),
    (prove, "Compare the rows of two releases."),
    (rebuild, "Rebuild a read model from the log."),
    (replay, "Run any projection offline."),
    (seal, "Count what the log holds in clear."),
    (up, "Run the whole system on this machine."),
    (verify, "Check a read model against the log."),
    (webhooks, "Translate recorded webhooks again."),
)


class _Stoppable(click.Group):
    """Commands that print one line when they are interrupted and exit with status 130; status 1
    means that a command found something wrong."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, asyncio.CancelledError):
            click.echo("stopped", err=True)
            sys.exit(INTERRUPTED)


@click.group(cls=_Stoppable, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="conversations-plus")
def main() -> None:
    """Run, inspect and maintain Conversations Plus."""


for _command, _help in _COMMANDS:
    _command.short_help = _help
    main.add_command(_command)
