"""The value types of Shopify's JSON, checked so that MongoDB can store them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints

MAX_INT64: Final = 2**63 - 1
"""The largest integer that BSON can hold."""


def _text_only(value: object) -> object:
    if isinstance(value, str):
        return value
    raise ValueError("should be an ISO 8601 text")


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("is out of range") from None


def storable(text: str) -> str:
    """The text without what MongoDB can't store, as a value or as a name."""
    text = text.replace("\0", "")
    if text.isascii():  # as nearly every text is
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _storable(value: object) -> object:
    return storable(value) if isinstance(value, str) else value


def _unsigned(value: object) -> object:
    # UnsignedInt64 is sent as text, because JSON readers lose digits of large numbers.
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return value


def gid_number(value: object) -> int:
    """The number at the end of a global id: 7 for `gid://shopify/Customer/7`.

    Raises ValueError.
    """
    if isinstance(value, str):
        head, _, tail = value.partition("?")[0].rpartition("/")
        number = tail.isascii() and tail.isdigit() and len(tail) < 20
        if head.startswith("gid://shopify/") and number and 0 < int(tail) <= MAX_INT64:
            return int(tail)
    raise ValueError("should be a global id such as gid://shopify/Customer/1")


Id = Annotated[int, Field(strict=True, gt=0, le=MAX_INT64)]
"""A numeric id of Shopify's."""

GidNumber = Annotated[int, BeforeValidator(gid_number)]
"""A global id of Shopify's, read as its number."""

Count = Annotated[int, Field(strict=True, ge=0, le=MAX_INT64)]

Unsigned = Annotated[int, BeforeValidator(_unsigned), Field(ge=0, le=MAX_INT64)]
"""A number of Shopify's that may be sent as a text."""

UnsignedId = Annotated[int, BeforeValidator(_unsigned), Field(gt=0, le=MAX_INT64)]
"""A numeric id that may be sent as a text."""

Text = Annotated[str, BeforeValidator(_storable)]
"""A text without what MongoDB or a mail can't store (NUL, lone surrogates): one such character must
not lose what stands around it."""


def _texts(value: object) -> object:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list | tuple) else ()


Texts = Annotated[tuple[Text, ...], BeforeValidator(_texts)]
"""The texts of a list. What is none is left out, and what is no list has none."""

Money = Annotated[str, StringConstraints(pattern=r"^-?[0-9]{1,18}(\.[0-9]{1,6})?$")]
"""An amount as the received decimal string; never a float."""


def _decimal(value: object) -> object:
    # A number that JSON has as a float is shown with as many digits as it takes.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return format(Decimal(str(value)), "f") if is_number else value


Amount = Annotated[Money, BeforeValidator(_decimal)]
"""An amount that Shopify may send as a number."""

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3,5}$")]
"""ISO 4217, and the few longer codes that Shopify has (USDC)."""

Moment = Annotated[AwareDatetime, BeforeValidator(_text_only), AfterValidator(_utc)]
"""An ISO 8601 text with a zone, as a time in UTC."""
