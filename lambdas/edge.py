"""The function `edge`: checks, queues and answers Shopify's webhooks. Does not load MongoDB."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from typing import Any

from cplus.aws import BODIES, Aws, SealedObjects
from cplus.clock import utc_now
from cplus.consumers.webhooks import edge
from cplus.logs import configure
from cplus.loop import run
from cplus.settings import Settings


@cache
def _parts() -> dict[str, Any]:
    settings = Settings()
    configure(settings.log_level)
    aws = Aws()
    old = settings.shopify_old_client_secret
    return {
        "send": partial(aws.send, settings.webhooks_queue),
        "put": SealedObjects(aws, settings.bodies_bucket, BODIES).put,
        "secrets": [
            settings.secret("shopify_client_secret"),
            *([old.get_secret_value()] if old else []),
        ],
        "clock": utc_now,
    }


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answers one HTTP request in API Gateway's payload format 2.0."""
    return run(edge.handle(event, **_parts()))
