"""The command `cplus`."""

from __future__ import annotations

import sys

try:
    import asyncio
    from typing import Any

    import click

    from cplus.cli.audit import audit
    from cplus.cli.connecting import INTERRUPTED
    from cplus.cli.mail import mail
    from cplus.cli.metrics import metrics
    from cplus.cli.migrate import migrate
    from cplus.cli.projections import projections
    from cplus.cli.prove import prove
    from cplus.cli.rebuild import rebuild
    from cplus.cli.replay import replay
    from cplus.cli.up import up
    from cplus.cli.verify import verify
except KeyboardInterrupt:  # Ctrl-C before there is a command that could be stopped
    sys.stderr.write("stopped\n")
    sys.exit(130)

__all__ = ["main"]

# What `cplus --help` says of each: it cuts what is longer.
_COMMANDS = (
    (audit, "Check what the log promises."),
    (mail, "Look at mail as the system does."),
    (metrics, "Say what happened in the shops, by day."),
    (migrate, "Make the indexes that are missing."),
    (projections, "Show how far read models are; let go on what stands still."),
    (prove, "Compare the rows of two versions of the code."),
    (rebuild, "Fold a read model anew from the log."),
    (replay, "Fold any read model, beside those that live."),
    (up, "Run the whole system on this machine."),
    (verify, "Compare a read model with the log."),
)


class _Stoppable(click.Group):
    """Commands that say in one line that they were stopped, with a status of its own: 1 is what
    they end with where they found something."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, asyncio.CancelledError):
            click.echo("stopped", err=True)
            sys.exit(INTERRUPTED)


@click.group(cls=_Stoppable, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="conversations-plus")
def main() -> None:
    """Conversations Plus: run it, look into it, look after it."""


for _command, _help in _COMMANDS:
    _command.short_help = _help
    main.add_command(_command)
