"""Whether a webhook was refused is told by its code, whatever its words; and by the words that were
stored before there were codes."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from cplus.events.log.commit import Draft
from cplus.events.log.memory import MemoryCommits
from cplus.events.log.store import EventStore
from cplus.events.reasons import Code, was_refused
from tests.conftest import ROOT

GOLDEN: Final[dict[str, Any]] = json.loads(
    (ROOT / "tests" / "fixtures" / "reasons.json").read_text("utf-8")
)
SHOP: Final = "acorn.myshopify.com"


def test_the_codes_are_those_that_were_ever_stored() -> None:
    """A code that is in a log somewhere may not be changed or taken out; a new one is added."""
    assert sorted(Code) == GOLDEN["codes"]


@pytest.mark.parametrize("words", GOLDEN["refused_without_code"])
def test_a_refusal_stored_with_words_alone_is_still_one(words: str) -> None:
    assert was_refused(None, words)


@pytest.mark.parametrize("words", [*GOLDEN["untranslated_without_code"], None])
def test_anything_else_stored_with_words_alone_is_none(words: str | None) -> None:
    assert not was_refused(None, words)


@pytest.mark.parametrize("code", [*Code, "refused/of_newer_code"])
def test_other_words_change_nothing_beside_a_code(code: str) -> None:
    for words in ("written better", GOLDEN["refused_without_code"][0], None):
        assert was_refused(code, words) == code.startswith("refused/")


async def test_a_code_is_stored_beside_the_words_and_a_commit_without_one_reads() -> None:
    store = EventStore(MemoryCommits())
    coded = Draft(SHOP, "w/1", "webhook", "shopify", reason="words", code=Code.ANOTHER_SHOP)
    await store.append([coded, Draft(SHOP, "w/2", "webhook", "shopify", reason="words")])
    first, second = await store.read(SHOP, 0)
    assert (first.reason, first.code) == ("words", "refused/another_shop")
    assert (second.reason, second.code) == ("words", None)
