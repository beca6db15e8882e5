"""`cplus migrate`: makes the indexes that the code of this version needs."""

from __future__ import annotations

import click


@click.command()
def migrate() -> None:
    """Make every index that is missing; run before each deployment. Needs CPLUS_MONGO_URI."""
    import asyncio

    from cplus.bootstrap import ensure_indexes
    from cplus.errors import CplusError
    from cplus.mongo import PyMongoError
    from cplus.settings import Settings

    try:
        asyncio.run(ensure_indexes(Settings()))
    except CplusError as error:
        raise click.ClickException(str(error)) from None
    except PyMongoError as error:
        # The driver's own words may show the connection string.
        raise click.ClickException(
            f"the database did not answer ({type(error).__name__})"
        ) from None
    click.echo("every index is there")
