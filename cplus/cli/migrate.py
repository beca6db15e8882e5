"""`cplus migrate`: makes the indexes that the code of this version needs."""

from __future__ import annotations

import click

from cplus.cli.connecting import failures


@click.command()
def migrate() -> None:
    """Make every index that is missing; run before each deployment. Needs CPLUS_MONGO_URI."""
    import asyncio

    from cplus.bootstrap import ensure_indexes
    from cplus.settings import Settings

    with failures():
        asyncio.run(ensure_indexes(Settings()))
    click.echo("every index is there")
