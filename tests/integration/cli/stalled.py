"""`cplus` with a comparison of generations that finds no end."""

from __future__ import annotations

import asyncio
from typing import Any, NoReturn

import cplus.projections.generations.rebuild
from cplus.cli import main


async def compare(mongo: Any, one: Any, other: Any, shop: str) -> NoReturn:
    await asyncio.Event().wait()
    raise AssertionError


if __name__ == "__main__":
    cplus.projections.generations.rebuild.compare_generations = compare
    main()
