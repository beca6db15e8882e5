"""How a row of a read model is stored: its document has the `_id` `<shop>/<key>`, the field `shop`,
and the fields of the row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from cplus.mongo import ids_of
from cplus.projections.base import Row

RESERVED: Final = ("_id", "shop")
"""Fields that the runner adds, and that no row may have."""


def row_id(shop: str, key: str) -> str:
    """The `_id` of the row with this key. Ids of one shop sort as their keys do."""
    return f"{shop}/{key}"


def row_ids(shop: str, keys: Iterable[str]) -> list[str]:
    """The `_id` of each of these rows, sorted."""
    return sorted(row_id(shop, key) for key in keys)


def all_rows(shop: str) -> dict[str, Any]:
    """The filter that finds every row of the shop."""
    return {"_id": ids_of(shop)}


def key_of(document: Mapping[str, Any]) -> str:
    """The key of a stored row."""
    return str(document["_id"]).removeprefix(f"{document['shop']}/")


def document_of(shop: str, key: str, row: Row) -> dict[str, Any]:
    """The document that stores the row. Raises TypeError if the row has a reserved field."""
    for name in RESERVED:
        if name in row:
            raise TypeError(f"a row has no field {name} of its own")
    return {"_id": row_id(shop, key), "shop": shop, **row}


def take_row(shop: str, document: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The key and the row that a document of this shop stores. Changes the document, which
    becomes the row."""
    key: str = document.pop("_id").removeprefix(f"{shop}/")
    document.pop("shop", None)
    return key, document
