"""The pictures of docs/images: each is taken by the script, and shown to whom it concerns."""

from __future__ import annotations

import re

from scripts.images import IMAGES, PICTURES
from tests.conftest import ROOT

LARGEST = 4_000_000
"""Bytes of all pictures together, which everybody gets who clones this."""


def test_each_picture_is_taken_by_the_script_and_shown_on_a_page() -> None:
    there = {path.stem for path in IMAGES.glob("*.png")} - {"icon"}
    assert there == {one.name for one in PICTURES}, "make images"
    pages = [(ROOT / "docs" / name).read_text("utf-8") for name in ("dashboard.md", "runbook.md")]
    assert set(re.findall(r"images/([\w-]+)\.png", "".join(pages))) == there
    assert sum(path.stat().st_size for path in IMAGES.iterdir()) < LARGEST
