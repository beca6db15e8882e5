"""Small pictures of pictures, and of nothing that only claims to be one."""

from __future__ import annotations

import io
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cplus.mail.parts.thumbnails import EDGE, thumbnail


def picture(kind: str, mode: str = "RGB", size: tuple[int, int] = (600, 300)) -> bytes:
    made = io.BytesIO()
    Image.new(mode, size).save(made, kind)
    return made.getvalue()


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("PNG", "RGB"),
        ("PNG", "RGBA"),
        ("PNG", "I;16"),
        ("JPEG", "CMYK"),
        ("GIF", "P"),
        ("WEBP", "RGB"),
    ],
)
def test_a_picture_is_made_small(kind: str, mode: str) -> None:
    made = thumbnail(picture(kind, mode), f"image/{kind.lower()}")
    assert made is not None
    with Image.open(io.BytesIO(made[0])) as small:
        assert small.size == (EDGE, EDGE // 2)
        assert Image.MIME[small.format or ""] == made[1]


def test_one_of_100_megapixels_is_not_decoded() -> None:
    data = picture("PNG", "1", (10_000, 10_000))
    began = time.monotonic()
    assert thumbnail(data, "image/png") is None
    assert time.monotonic() - began < 1


@given(st.binary(max_size=100), st.integers(0, 500))
@settings(max_examples=40, deadline=None)
def test_what_is_broken_has_none(more: bytes, at: int) -> None:
    whole = picture("PNG")
    thumbnail(whole[:at] + more, "image/png")
    assert thumbnail(more, "image/png") is None
    assert thumbnail(whole, "image/svg+xml") is None
