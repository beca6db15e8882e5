"""What comparing two tellings promises: every difference, each once, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cplus.mongo import canonical
from cplus.projections.checks.compare_releases import SHOWN, Findings, Pair, compare_shop, pairs
from cplus.projections.checks.intended import BadIntended, IntendedDifference, read_intended

SHOP = "acorn.myshopify.com"
SAME = Pair("shops", 1, 1)
Rows = Mapping[str, Mapping[str, Any]]


class Told:
    """A telling of these rows."""

    def __init__(self, rows: Rows, stop: Mapping[str, Any] | None = None) -> None:
        documents = [canonical({"key": key, "row": rows[key]}) for key in sorted(rows)]
        end = {"events": 9, "rows": len(rows), "stop": stop}
        self._left = iter([*documents, canonical({"end": end})])

    async def next(self) -> bytes:
        return next(self._left)


async def found(
    before: Told | None, after: Told, *meant: IntendedDifference, pair: Pair = SAME
) -> Findings:
    findings = Findings(meant, [pair])
    await compare_shop(findings, pair, SHOP, before, after)
    return findings


values = st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.floats(allow_nan=False))
rows = st.dictionaries(
    st.text("ab/~é", max_size=3), st.dictionaries(st.sampled_from("xyz"), values), max_size=8
)


@given(rows, rows)
async def test_every_difference_is_found_once_and_nothing_else(old: Rows, new: Rows) -> None:
    expected: list[tuple[str, str, list[str]]] = []
    for key in sorted(old.keys() | new.keys()):
        if key not in old:
            expected.append((key, "added", []))
        elif key not in new:
            expected.append((key, "removed", []))
        else:
            fields = [
                name
                for name in sorted(old[key].keys() | new[key].keys())
                if repr(old[key].get(name, ...)) != repr(new[key].get(name, ...))
            ]
            if fields:
                expected.append((key, "differs", fields))
    findings = await found(Told(old), Told(new))
    shown = [(one.key, one.kind, list(one.fields)) for one in findings.shown]
    assert shown == expected
    assert findings.total == len(expected)


async def test_the_order_of_fields_is_no_difference_and_another_type_is_one() -> None:
    one, other = {"a": {"x": {"p": 1, "q": 2}, "y": 1}}, {"a": {"y": 1, "x": {"q": 2, "p": 1}}}
    assert (await found(Told(one), Told(other))).total == 0
    findings = await found(Told({"a": {"x": 1}}), Told({"a": {"x": 1.0}}))
    assert [one.fields for one in findings.shown] == [["x"]]


async def test_differences_are_named_up_to_a_bound_and_all_are_counted() -> None:
    many = {f"{number:03}": {"x": number} for number in range(SHOWN + 7)}
    findings = await found(Told({}), Told(many))
    assert (len(findings.shown), findings.total) == (SHOWN, SHOWN + 7)


async def test_what_is_meant_does_not_count_and_what_is_left_of_it_does() -> None:
    old = {"a": {"x": 1, "y": 1}, "b": {"x": 1, "y": 1}, "c": {"x": 1}}
    new = {"a": {"x": 2, "y": 1}, "b": {"x": 2, "y": 2}, "d": {"x": 1}}
    entry = IntendedDifference(projection="shops", fields=("x",), reason="x is counted otherwise")
    gone = IntendedDifference(
        projection="shops", change="removed", rows="c*", reason="c is no row any more"
    )
    idle = IntendedDifference(
        projection="shops", fields=("x",), shops="birch.*", reason="birch was wrong"
    )
    findings = await found(Told(old), Told(new), entry, gone, idle)
    left = [(one.key, one.kind, list(one.fields)) for one in findings.shown]
    assert left == [("b", "differs", ["y"]), ("d", "added", [])]
    tally = findings.tallies[SAME]
    assert (tally.meant, findings.total) == (2, 2)
    assert tally.fields == {"x": 2, "y": 1}
    assert findings.unused == [idle]


async def test_a_raised_version_declares_its_differences_and_they_are_summed() -> None:
    raised = Pair("shops", 1, 2)
    findings = await found(Told({"a": {"x": 1}}), Told({"a": {"x": 2}}), pair=raised)
    assert findings.total == 0
    assert findings.tallies[raised].declared == 1
    assert [(one.key, one.fields) for one in findings.declared] == [("a", ["x"])]


async def test_new_code_that_parks_a_shop_is_never_declared_nor_meant() -> None:
    stop = {"position": 7, "reason": "KeyError", "type": "app.installed"}
    for pair in (SAME, Pair("shops", 1, 2), Pair("shops", None, 1)):
        before = None if pair.before is None else Told({})
        findings = await found(before, Told({}, stop), pair=pair)
        assert [one.kind for one in findings.shown] == ["parks"]
        assert "position 7: KeyError (app.installed)" in findings.shown[0].reason
    assert (await found(Told({}, stop), Told({}, stop))).tallies[SAME].both_stop == 1
    on = IntendedDifference(projection="shops", change="goes_on", reason="the fold is mended")
    assert (await found(Told({}, stop), Told({}), on)).total == 0
    assert (await found(Told({}, stop), Told({}))).total == 1


async def test_a_new_projection_differs_from_nothing_and_a_dropped_one_must_be_meant() -> None:
    new = Pair("answers", None, 1)
    findings = await found(None, Told({"a": {"x": 1}}), pair=new)
    assert (findings.total, findings.tallies[new].rows) == (0, 1)
    dropped = Pair("shops", 1, None)
    assert [one.kind for one in Findings((), [dropped]).shown] == ["dropped"]
    meant = IntendedDifference(
        projection="shops", change="dropped", reason="its generation is dropped"
    )
    assert Findings((meant,), [dropped]).total == 0


def test_each_version_is_compared_with_itself_or_with_the_newest_before_it() -> None:
    old, new = [("a", 1), ("b", 1), ("b", 2), ("c", 1)], [("a", 1), ("a", 2), ("b", 3), ("d", 1)]
    assert pairs(old, new) == [
        Pair("a", 1, 1),
        Pair("a", 1, 2),
        Pair("b", 1, None),
        Pair("b", 2, None),
        Pair("b", 2, 3),
        Pair("c", 1, None),
        Pair("d", None, 1),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[meant]]\nprojection = "shops"', "entry 1: it lacks `reason`"),
        ('[[meant]]\nprojection = "shops"\nreason = ""', "entry 1: its `reason` is empty"),
        (
            '[[meant]]\nprojection = "s"\nreason = "r"\nchange = "parks"',
            "entry 1: its `change` must be 'differs', 'added',",
        ),
        (
            '[[meant]]\nprojection = "s"\nreason = "r"\nfield = "x"',
            "entry 1: `field` is not allowed here",
        ),
        ("expected = 1", "`expected` is not allowed here"),
        ("meant = 1", "`meant` must be a list"),
        ("meant = [1]", "entry 1: it is not a table that begins with [[meant]]"),
        ("[[meant", "it is not valid TOML: Expected"),
    ],
)
def test_a_file_that_does_not_say_what_is_meant_is_refused(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "prove.toml"
    path.write_text(text)
    with pytest.raises(BadIntended, match=re.escape(words)):
        read_intended(path)
    with pytest.raises(BadIntended, match="there is no such file"):
        read_intended(tmp_path / "none.toml")
    path.write_bytes(b"\xff")
    with pytest.raises(BadIntended, match="it is not UTF-8 text"):
        read_intended(path)
