"""The routes of the app."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from cplus.web.kit.signed_in import merchant


def asks_for_a_merchant(dependant: Dependant) -> bool:
    """Whether a route asks who is signed in, and what they may do."""
    return dependant.call is merchant or any(map(asks_for_a_merchant, dependant.dependencies))


def routes_of(routes: Iterable[object]) -> Iterator[APIRoute]:
    """Every route, in the order in which they are matched."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif included := getattr(route, "original_router", None):
            yield from routes_of(included.routes)
