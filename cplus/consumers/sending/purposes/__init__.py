"""Every kind of mail that we send: one module each, with its `PURPOSES`."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any

from cplus.consumers.sending.purpose import Purpose


@cache
def registered() -> Mapping[str, Purpose[Any]]:
    """The purposes of all modules in this folder, by their names."""
    found = list(_found())
    by_name = {purpose.name: purpose for purpose in found}
    assert len(by_name) == len(found), "two purposes have one name"  # noqa: S101
    return MappingProxyType(by_name)


def _found() -> Iterator[Purpose[Any]]:
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        yield from import_module(module.name).PURPOSES
