"""Small pictures of pictures. A stranger's picture may claim to be of any size, so it is only
decoded where what that takes is known to be little."""

from __future__ import annotations

import io
import math
from typing import Final

from cplus.mail.parts.kinds import PICTURES

EDGE: Final = 240
"""Pixels of the longer side."""
LARGEST: Final = 20 * 1024 * 1024
"""Bytes of a picture that is made small."""

_PIXELS: Final = 24_000_000  # four bytes of memory each
_PIXELS_OF_JPEG: Final = 60_000_000  # one that is progressive takes six at most
_FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP")


def thumbnail(data: bytes, content_type: str) -> tuple[bytes, str] | None:
    """The small picture and its type; None for what is no picture, is broken, or is too large to
    be decoded. Never raises."""
    if content_type not in PICTURES or len(data) > LARGEST:
        return None
    from PIL import Image, ImageOps  # takes its time to load, and few requests need it

    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            is_jpeg = picture.format == "JPEG"
            if math.prod(picture.size) > (_PIXELS_OF_JPEG if is_jpeg else _PIXELS):
                return None
            picture.draft("RGB", (EDGE, EDGE))  # decodes a JPEG at a fraction of its size
            picture.thumbnail((EDGE, EDGE))
            turned = ImageOps.exif_transpose(picture)
            has_alpha = turned.mode in ("RGBA", "LA", "P", "PA")
            small = turned.convert("RGBA" if has_alpha else "RGB")
            made = io.BytesIO()
            small.save(made, "PNG" if has_alpha else "JPEG")
            return made.getvalue(), "image/png" if has_alpha else "image/jpeg"
    except Exception:  # noqa: BLE001 - a stranger's file, read by a library: it is still a file
        return None
