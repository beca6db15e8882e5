"""`cplus migrate`: prepares the database for this version of the code."""

from __future__ import annotations

from pathlib import Path

import click

from cplus.cli.connecting import Reached, data_option, failures


@click.command()
@data_option
def migrate(*, data: Path | None) -> None:
    """Create missing indexes and checkpoints.

    Repeatable; run it before each deployment. Needs CPLUS_MONGO_URI, or --data.
    """
    from cplus.loop import run

    with failures():
        run(_migrate(Reached(data)))
    click.echo("all indexes and checkpoints exist")


async def _migrate(at: Reached) -> None:
    from cplus.bootstrap import ensure_indexes
    from cplus.clock import utc_now
    from cplus.consumers.reactions.carrying_over import carry_over
    from cplus.consumers.reactions.registry import REACTIONS

    async with at:
        await ensure_indexes(at.settings)
        await carry_over(at.mongo, REACTIONS, utc_now())
