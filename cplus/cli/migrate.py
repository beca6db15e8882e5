"""`cplus migrate`: makes the indexes that the code of this version needs."""

from __future__ import annotations

from pathlib import Path

import click

from cplus.cli.connecting import data_option, failures, settings_of


@click.command()
@data_option
def migrate(*, data: Path | None) -> None:
    """Make every index that is missing; run before each deployment. Needs CPLUS_MONGO_URI, or
    --data."""
    import asyncio

    from cplus.bootstrap import ensure_indexes

    with failures():
        asyncio.run(ensure_indexes(settings_of(data)))
    click.echo("every index is there")
