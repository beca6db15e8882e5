"""`cplus migrate`: makes the indexes that the code of this version needs."""

from __future__ import annotations

from pathlib import Path

import click

from cplus.cli.connecting import Reached, data_option, failures


@click.command()
@data_option
def migrate(*, data: Path | None) -> None:
    """Make every index that is missing; run before each deployment. Needs CPLUS_MONGO_URI, or
    --data."""
    from cplus.loop import run

    with failures():
        run(_migrate(Reached(data)))
    click.echo("every index is there")


async def _migrate(at: Reached) -> None:
    from cplus.bootstrap import ensure_indexes

    async with at:
        await ensure_indexes(at.settings)
