"""Every kind of mail that we send, as it goes out in an invented shop: for `cplus mail preview`.

Each module has the `EXAMPLES` of the module of the same name in `purposes/`. They are made the way
that every mail is, from the events of a log, which here is in memory.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module

from cplus.consumers.sending.examples.example import Example, render

__all__ = ["Example", "examples", "render"]

_SHARED = "example"


def examples() -> Iterator[Example]:
    """All examples, in the order of their modules."""
    for module in pkgutil.iter_modules(__path__):
        if module.name != _SHARED:
            yield from import_module(f"{__name__}.{module.name}").EXAMPLES
