"""A person is erased, in a shop whose pages a test reads."""

from __future__ import annotations

from cplus.privacy.erasing import Erasing, ask, erase
from tests.integration.privacy.sealing_world import Elsewhere, no_rows
from tests.integration.web.harness import SHOP, Harness

ADA, BEA = "person/ada", "person/bea"


async def erase_ada(web: Harness) -> None:
    """Erases her."""
    await erase_person(web, ADA)


async def erase_person(web: Harness, person: str) -> None:
    """Erases the person; what is in buckets is none of the pages' business."""
    await ask(
        web.parts.recorder, SHOP, person,
        erasure="e1", source="dashboard", actor="merchant/mary", at=web.clock(),
    )  # fmt: skip
    way, parts = Elsewhere(), web.parts
    erasing = Erasing(
        parts.recorder, parts.keyring, parts.all_ids, parts.persons, way, way, parts.drafts,
        no_rows, web.clock,
    )  # fmt: skip
    await erase(SHOP, "e1", use=erasing)
