"""The function `web`: dashboard, API and installation behind API Gateway's payload 2.0."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from mangum import Mangum

from cplus.bootstrap import Parts, event_loop
from cplus.logs import configure
from cplus.web.app import create_app


@lru_cache(maxsize=1)
def _adapter() -> Mangum:
    # The adapter runs each request on the thread's current loop: make that the loop of the
    # connections.
    event_loop()
    parts = Parts()
    configure(parts.settings.log_level)
    text = ["text/", "application/json", "image/svg+xml"]
    return Mangum(create_app(parts), lifespan="off", text_mime_types=text)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers one HTTP request."""
    return _adapter()(event, context)
