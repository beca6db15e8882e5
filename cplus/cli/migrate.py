"""`cplus migrate`: makes what the code of this version needs in the database."""

from __future__ import annotations

from pathlib import Path

import click

from cplus.cli.connecting import Reached, data_option, failures


@click.command()
@data_option
def migrate(*, data: Path | None) -> None:
    """Make every index that is missing, and put each reaction where the one before it stands; run
    before each deployment, as often as you like. Needs CPLUS_MONGO_URI, or --data."""
    from cplus.loop import run

    with failures():
        run(_migrate(Reached(data)))
    click.echo("every index is there, and every reaction is where the one before it stood")


async def _migrate(at: Reached) -> None:
    from cplus.bootstrap import ensure_indexes
    from cplus.clock import utc_now
    from cplus.consumers.reactions.carrying_over import carry_over
    from cplus.consumers.reactions.registry import REACTIONS

    async with at:
        await ensure_indexes(at.settings)
        await carry_over(at.mongo, REACTIONS, utc_now())
