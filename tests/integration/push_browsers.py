"""Browsers that subscribed at the push service of the local stack."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.plain_http import plain_http


@dataclass(frozen=True)
class PushBrowser:
    """One of them."""

    endpoint: str
    p256dh: str
    auth: str

    @classmethod
    async def subscribed(cls, origin: str) -> PushBrowser:
        """A new one, at the push service of that origin."""
        async with plain_http() as http:
            made = (await http.post(f"{origin}/_push")).json()
        return cls(made["endpoint"], made["keys"]["p256dh"], made["keys"]["auth"])

    async def answers(self, status: int) -> None:
        """Lets pushes to it be answered so from now on."""
        async with plain_http() as http:
            await http.put(self.endpoint, json={"status": status})

    async def raw(self) -> list[dict[str, Any]]:
        """What was pushed to it, each with its headers."""
        async with plain_http() as http:
            found: list[dict[str, Any]] = (await http.get(self.endpoint)).json()
        return found

    async def told(self) -> list[dict[str, Any]]:
        """What it shows."""
        return [json.loads(one["text"]) for one in await self.raw()]
