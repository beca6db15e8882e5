"""Placeholders in texts that are written once and sent to many."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cplus.errors import InvalidInput
from cplus.events.placeholders import KNOWN, Placeholder, fill, parse, unfilled

ADA = {"customer.first_name": "Ada", "order.name": "#1001"}

plain = st.text(st.characters(codec="utf-8", exclude_characters="{}"), max_size=12)
within = plain.map(lambda text: text.replace("\n", " ").replace("|", "-").strip())
placeholders = st.builds(
    lambda name, gap, fallback: (
        f"{{{{{gap}{name}{gap}" + ("}}" if fallback is None else f"|{fallback}}}}}")
    ),
    st.sampled_from(KNOWN),
    st.sampled_from(("", " ", "\t")),
    st.none() | within,
)
texts = st.lists(plain | placeholders, max_size=8).map("".join)


@pytest.mark.parametrize(
    ("text", "told", "missing"),
    [
        ("Hi {{customer.first_name|there}}", "Hi Ada", ()),
        ("Hi {{ customer.name | there }}, {{order.name}}", "Hi there, #1001", ()),
        ("Hi{{customer.name|}}!", "Hi!", ()),
        ("{{shop.name}} {{shop.name}}", "{{shop.name}} {{shop.name}}", ("{{shop.name}}",)),
        ("a { b } c {{{order.name}}}", "a { b } c {#1001}", ()),
        ("", "", ()),
    ],
)
def test_a_placeholder_is_its_value_or_its_fallback_or_stays(
    text: str, told: str, missing: tuple[str, ...]
) -> None:
    assert fill(text, ADA) == (told, missing)


@pytest.mark.parametrize(
    "text",
    [
        "Hi {{customer.name",
        "Hi customer.name}}",
        "{{order.name|{{shop.name}}}}",
        "{{order\n.name}}",
    ],
)
def test_braces_that_are_no_placeholder_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"must be closed|no placeholder"):
        parse(text)


@pytest.mark.parametrize(
    "text", ["{{}}", "{{customer.frist_name}}", "{{Order.name}}", "{{|there}}"]
)
def test_who_names_another_is_told_which_are_known(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"\{\{customer\.first_name\}\}, .*\{\{agent\.name\}\}"):
        parse(text)


def test_what_a_value_says_is_never_read_again() -> None:
    values = {"customer.name": "{{order.name}}\n{{boom", "order.name": "#1001"}
    assert fill("Hi {{customer.name}}", values) == ("Hi {{order.name}} {{boom", ())


def test_only_placeholders_of_ours_count_as_unfilled() -> None:
    text = "{{ order.name | none }} {{else}} {{shop.name}} {{shop.name}} {{"
    assert unfilled(text) == ("{{ order.name | none }}", "{{shop.name}}")


@settings(max_examples=60)
@given(texts)
def test_the_parts_of_a_text_are_the_text(text: str) -> None:
    parts = parse(text)
    assert "".join(p.written if isinstance(p, Placeholder) else p for p in parts) == text


@settings(max_examples=60)
@given(texts, st.dictionaries(st.sampled_from(KNOWN), st.text(max_size=8)))
def test_filling_changes_placeholders_alone(text: str, values: dict[str, str]) -> None:
    told, left = [], []
    for part in parse(text):
        if isinstance(part, str):
            told.append(part)
            continue
        value = " ".join(values.get(part.name, "").split()) or part.fallback
        told.append(part.written if value is None else value)
        left += [part.written] if value is None else []
    assert fill(text, values) == ("".join(told), tuple(dict.fromkeys(left)))


@settings(max_examples=100)
@given(st.text("{}| a.\nordename", max_size=30))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        parts = parse(text)
    except InvalidInput:
        return
    names = [part.name for part in parts if isinstance(part, Placeholder)]
    assert set(names) <= set(KNOWN)
    assert bool(names) == bool(unfilled(text))
