"""The command `cplus`."""

from __future__ import annotations

import click

from cplus.cli.audit import audit
from cplus.cli.mail import mail
from cplus.cli.migrate import migrate
from cplus.cli.projections import projections
from cplus.cli.rebuild import rebuild
from cplus.cli.replay import replay
from cplus.cli.up import up
from cplus.cli.verify import verify

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="conversations-plus")
def main() -> None:
    """Conversations Plus: run it, look into it, look after it."""


main.add_command(audit)
main.add_command(mail)
main.add_command(migrate)
main.add_command(projections)
main.add_command(rebuild)
main.add_command(replay)
main.add_command(up)
main.add_command(verify)
