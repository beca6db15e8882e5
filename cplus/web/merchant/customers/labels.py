"""What is said of what was done with persons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends

from cplus.events.aggregates.person_tags import REFUSALS
from cplus.events.segment import FirstBought, Source
from cplus.web.kit.built import built
from cplus.web.kit.i18n import ngettext, translated
from cplus.web.kit.signed_in import Merchant
from cplus.wording import worded
from cplus.workspace.undoing import Did, Undoes

SOURCES: Final[Mapping[Source, str]] = {
    "contact_form": worded("Contact form"),
    "email": worded("Email"),
    "merchant": worded("Your message"),
}
FIRST_ORDERS: Final[Mapping[FirstBought, str]] = {
    "after": worded("After a conversation"),
    "other": worded("Not after a conversation"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """What the address of a list says of what was just done with many."""

    did: str = ""
    """The key under which they were changed."""
    undone: int | None = None
    """On how many that was taken back."""
    problem: str = ""
    at: int = 0
    """The position at which it shows."""


ToldDep = Annotated[Told, Depends(built(Told))]


def reason_of(code: str) -> str:
    """The reason that an address or a row names by its code; empty for any other words, which
    anybody could put into an address."""
    return REFUSALS.get(code, "")


async def said(told: Told, undoes: Undoes, me: Merchant) -> dict[str, Any]:
    """What the list says of it, by the names of its template."""
    did = await undoes.of(me.shop, me.actor.author, told.did) if told.did else None
    undone = None if told.undone is None else max(told.undone, 0)
    return {
        "did": did,
        "did_key": told.did,
        "did_words": _words(did) if did else "",
        "left": _left(did.refused) if did else [],
        "undone_words": ""
        if undone is None
        else ngettext("Undone for %(num)s person.", "Undone for %(num)s people.", undone),
        "problem": reason_of(told.problem),
    }


def _words(did: Did) -> str:
    num = did.changed
    if did.act == "people-untag":
        return ngettext("Tag taken off %(num)s person.", "Tag taken off %(num)s people.", num)
    return ngettext("%(num)s person tagged.", "%(num)s people tagged.", num)


def _left(refused: Mapping[str, int]) -> list[str]:
    return [
        ngettext(
            "%(num)s person was left as they are: %(reason)s.",
            "%(num)s people were left as they are: %(reason)s.",
            number,
            reason=translated(reason_of(code)),
        )
        for code, number in refused.items()
    ]
