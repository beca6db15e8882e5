"""Classes as dependencies of a page."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")


def built(kind: type[T]) -> Callable[..., Awaitable[T]]:
    """The class as a dependency that is built on the event loop: FastAPI calls everything that is
    not async in a thread, and a page would wait for several of them."""

    async def build(**fields: Any) -> T:
        return kind(**fields)

    build.__signature__ = inspect.signature(kind, eval_str=True)  # type: ignore[attr-defined]
    return build
