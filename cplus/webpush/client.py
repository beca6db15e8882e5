"""Gives pushes to push services, and tells what became of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, NamedTuple, TypeAlias

import httpcore

from cplus.clock import Clock
from cplus.errors import NotPublic
from cplus.webpush.connecting import PublicOnly
from cplus.webpush.encryption import encrypt
from cplus.webpush.subscription import Subscription, is_local
from cplus.webpush.vapid import Vapid

SECONDS: Final = 4.0
"""For one push, from the name's address to the answer."""
_GONE: Final = {404, 410}
_LONGEST_WAIT: Final = 900


class Taken(NamedTuple):
    """The push service has it."""


class Gone(NamedTuple):
    """The subscription is over: nothing can be sent to it any more."""


class TryLater(NamedTuple):
    """The push service cannot take it now."""

    code: str
    seconds: float = 0.0
    """That it wants us to wait at least."""


class Refused(NamedTuple):
    """It is not taken, now or later."""

    code: str


Answer: TypeAlias = Taken | Gone | TryLater | Refused


class PushClient:
    """Connections to push services, made when the first push goes."""

    def __init__(self, vapid: Vapid, clock: Clock, *, local: str = "") -> None:
        """`local` is the origin of the push service of this machine, if there is one."""
        self._vapid = vapid
        self._clock = clock
        self._local = local
        self._public = httpcore.AsyncConnectionPool(
            max_connections=8, network_backend=PublicOnly(), keepalive_expiry=30
        )
        self._own: Callable[[], httpcore.AsyncConnectionPool] = httpcore.AsyncConnectionPool

    async def push(
        self, text: bytes, to: Subscription, *, topic: str, lasts: int, urgency: str = "high"
    ) -> Answer:
        """Gives one push to the browser's service, which keeps it for `lasts` seconds at most; of
        those that wait for a browser with the same `topic` (at most 32 characters of base64url), it
        keeps the newest alone. What it answers is not read. It raises nothing: one browser's
        endpoint, which anybody can make up, keeps no other from being told."""
        try:
            headers: dict[bytes | str, bytes | str] = {
                "Authorization": self._vapid.authorization(to.endpoint, self._clock()),
                "Content-Encoding": "aes128gcm",
                "Content-Type": "application/octet-stream",
                "TTL": str(lasts),
                "Topic": topic,
                "Urgency": urgency,
            }
            async with asyncio.timeout(SECONDS):
                return await self._post(to.endpoint, headers, encrypt(text, to))
        except NotPublic:
            return Refused("not_public")
        except (httpcore.UnsupportedProtocol, httpcore.ProtocolError):
            return Refused("not_understood")
        except (TimeoutError, OSError, httpcore.NetworkError, httpcore.TimeoutException) as error:
            return TryLater(type(error).__name__)
        except Exception as error:  # noqa: BLE001  see above
            return Refused(type(error).__name__)

    async def close(self) -> None:
        """Ends the connections."""
        await self._public.aclose()

    async def _post(
        self, endpoint: str, headers: Mapping[bytes | str, bytes | str], body: bytes
    ) -> Answer:
        if is_local(endpoint, self._local):
            async with (
                self._own() as pool,
                pool.stream("POST", endpoint, headers=headers, content=body) as answer,
            ):
                return answer_of(answer)
        async with self._public.stream("POST", endpoint, headers=headers, content=body) as answer:
            return answer_of(answer)


def answer_of(answer: httpcore.Response) -> Answer:
    """What the push service's answer says."""
    status = answer.status
    if status in _GONE:
        return Gone()
    if 200 <= status < 300:
        return Taken()
    if status == 429 or status >= 500:
        wait = 0.0
        for name, value in answer.headers:
            if name.lower() == b"retry-after":
                with suppress(ValueError):  # it may be a date, which nobody sends here
                    wait = float(max(0, min(int(value), _LONGEST_WAIT)))
        return TryLater(str(status), wait)
    return Refused(str(status))
