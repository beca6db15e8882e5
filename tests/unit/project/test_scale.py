"""The page on scale says what was measured last."""

from __future__ import annotations

import pytest

from bench.scale import BEGIN, END, PAGE, Measured, filled


def test_the_page_says_what_the_results_say() -> None:
    page = PAGE.read_text("utf-8")
    assert filled(page) == page, "run `.venv/bin/python bench/scale.py`"


def test_a_figure_that_was_not_measured_and_a_page_without_its_marks_are_refused() -> None:
    with pytest.raises(KeyError, match=r"is not in bench/results/store\.json"):
        Measured("store").line("appends on the moon")
    page = PAGE.read_text("utf-8")
    for mark in (BEGIN, END):
        with pytest.raises(ValueError, match="has lost its marks"):
            filled(page.replace(mark, ""))
