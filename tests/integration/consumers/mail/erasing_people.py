"""Erases a person whose mail came in, and tells what is left of it."""

from __future__ import annotations

from dataclasses import replace

from cplus.actors import operator
from cplus.privacy.erasing import ask, erase
from tests.integration.mail_world import SHOP, World


async def erased(world: World, person: str) -> None:
    """Erases the person."""
    use = replace(world.parts.erasing, recorder=world.recorder)
    who = str(operator("ada"))
    await ask(use.recorder, SHOP, person, erasure="e1", source="cli", actor=who, at=world.now)
    await erase(SHOP, "e1", use=use)


async def legible(world: World) -> str:
    """All that can be opened of the shop's log: events, causes, and the mails that they name."""
    store, reader = world.parts.store, world.parts.reader
    commits = await store.read(SHOP, 0, cause=True)
    found = [str(await reader.read(commits))]
    for cause in await reader.causes(commits):
        if cause is None:
            continue
        found.append(str(cause.body))
        if cause.stored is not None and cause.opens is not None:
            found.append(str(await world.parts.mails.get(SHOP, cause.stored)))
    return " ".join(found)
