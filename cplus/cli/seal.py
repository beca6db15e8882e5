"""`cplus seal`: what the log holds in clear about persons."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cplus.cli.connecting import Reached, data_option, failures, json_option
from cplus.counts import counted

if TYPE_CHECKING:
    from cplus.events.audit.clear import SealCounts


@click.command()
@click.option("--shop", "shops", multiple=True, help="Only this shop; repeatable.")
@data_option
@json_option
def seal(*, shops: Sequence[str], data: Path | None, as_json: bool) -> None:
    """Count the personal fields and causes that the log holds in clear.

    They are from before there was a keyring. Commits never change, so an erasure does not reach
    them; objects that the log names it deletes. Needs CPLUS_MONGO_URI, or --data, and no key.
    """
    from cplus.loop import run

    with failures():
        found = run(_counted(Reached(data), shops))
    if as_json:
        told = [{"shop": shop, **asdict(one)} for shop, one in found.items()]
        clear = sum(one.clear for one in found.values())
        click.echo(json.dumps({"clear": clear, "shops": told}))
        return
    for shop, one in found.items():
        click.echo(f"{shop}: {_said(one)}")


def _said(one: SealCounts) -> str:
    sealed = (
        f"{counted(one.sealed_events, 'event')} and {counted(one.sealed_causes, 'cause')} sealed"
        f" ({one.sealed_objects} in a bucket)"
    )
    if not one.clear:
        return f"nothing in clear; {sealed}"
    fields = f"{counted(one.clear_fields, 'field')} of {counted(one.clear_events, 'event')}"
    causes = f"{counted(one.clear_causes, 'cause')} and {counted(one.clear_objects, 'object')}"
    return f"{fields}, {causes} in clear; {sealed}"


async def _counted(at: Reached, chosen: Sequence[str]) -> Mapping[str, SealCounts]:
    from cplus.cli.showing import bar
    from cplus.events.audit.clear import count_sealed

    async with at:
        heads = await at.store.heads()
        shops = at.shops(chosen, heads, needed=True)
        found: dict[str, SealCounts] = {}
        with bar("commits") as shown:
            task = shown.add_task("counting", total=sum(heads[shop] for shop in shops))
            for shop in shops:
                before = sum(one.commits for one in found.values())

                def seen(commits: int, before: int = before) -> None:
                    shown.update(task, completed=before + commits)

                found[shop] = await count_sealed(at.store.log, shop, seen)
        return found
