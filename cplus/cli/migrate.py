"""`cplus migrate`: prepares the database for this version of the code."""

from __future__ import annotations

from pathlib import Path

import click

from cplus.cli.connecting import Reached, data_option, failures


@click.command()
@data_option
def migrate(*, data: Path | None) -> None:
    """Create missing indexes, checkpoints and the application key.

    Repeatable; run it before each deployment. Needs CPLUS_MONGO_URI, or --data; for the first
    application key also CPLUS_KMS_KEY_ID with the right to encrypt, or CPLUS_APPLICATION_SECRET.
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
    from cplus.privacy.keyring import APPLICATION

    async with at:
        await ensure_indexes(at.settings)
        await carry_over(at.mongo, REACTIONS, utc_now())
        if at.keyring.wrapping.masters:
            # Functions may not encrypt with KMS: none of them can make the first one.
            await at.keyring.wrapping.current(APPLICATION)
