"""Clients of servers on this machine."""

from __future__ import annotations

from typing import Any

import httpx


def plain_http(**options: Any) -> httpx.AsyncClient:
    """A client that speaks to servers without TLS: to read the certificates for it takes longer
    than most tests do."""
    return httpx.AsyncClient(verify=False, **options)
