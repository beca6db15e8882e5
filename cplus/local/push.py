"""A push service on this machine, with its browsers: it takes what real ones take (RFC 8030, 8291,
8292), decrypts it as the browser would, and can be told to fail.

Real browsers have their makers' push services, which `cplus up` reaches if the machine is online.
This one is for tests, which need no internet.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Final

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cplus.ids import random_id
from cplus.webpush.base64url import decoded, encoded
from cplus.webpush.encryption import CURVE, RECORD, content_keys, point

PREFIX: Final = "/_push"
_HEAD: Final = 21  # bytes before the sender's key (RFC 8188, section 2.1)


@dataclass(slots=True)
class _Browser:
    key: ec.EllipticCurvePrivateKey
    auth: bytes
    status: int = 201
    """What a push to it is answered with."""
    told: list[dict[str, Any]] = field(default_factory=list)


class PushService:
    """Subscriptions, and what was pushed to each."""

    def __init__(self) -> None:
        self._browsers: dict[str, _Browser] = {}

    def routes(self) -> list[web.RouteDef]:
        """`POST /_push` subscribes a new browser; `POST /_push/<id>` is its endpoint; `GET` there
        has what it was told; `PUT` with {"status": 410} says how pushes are answered from then."""
        one = f"{PREFIX}/{{id}}"
        return [
            web.post(PREFIX, self._subscribe),
            web.post(one, self._push),
            web.get(one, self._told),
            web.put(one, self._answer),
        ]

    async def _subscribe(self, request: web.Request) -> web.Response:
        id_ = random_id()
        made = _Browser(ec.generate_private_key(CURVE), os.urandom(16))
        self._browsers[id_] = made
        keys = {"p256dh": encoded(point(made.key.public_key())), "auth": encoded(made.auth)}
        endpoint = f"{request.scheme}://{request.host}{PREFIX}/{id_}"
        return web.json_response({"endpoint": endpoint, "keys": keys})

    async def _push(self, request: web.Request) -> web.Response:
        browser = self._browsers.get(request.match_info["id"])
        if browser is None:
            return web.Response(status=404)
        body = await request.read()
        if len(body) > RECORD:
            return web.Response(status=413)
        if not _is_signed(request) or not request.headers.get("TTL", "").isdecimal():
            return web.Response(status=403)
        if request.headers.get("Content-Encoding") != "aes128gcm":
            return web.Response(status=415)
        if browser.status >= 300:
            return web.Response(status=browser.status, headers={"Retry-After": "60"})
        text = _decrypted(body, browser)
        headers = {name: request.headers.get(name, "") for name in ("TTL", "Topic", "Urgency")}
        browser.told.append({"text": text.decode(), **headers})
        return web.Response(status=browser.status)

    async def _told(self, request: web.Request) -> web.Response:
        browser = self._browsers.get(request.match_info["id"])
        return web.json_response(browser.told if browser else [])

    async def _answer(self, request: web.Request) -> web.Response:
        self._browsers[request.match_info["id"]].status = int((await request.json())["status"])
        return web.Response()


def _is_signed(request: web.Request) -> bool:
    """Whether the request is signed for this service, with the key that it names."""
    scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
    parts = dict(one.strip().partition("=")[::2] for one in rest.split(","))
    key = decoded(parts.get("k", ""))
    if scheme != "vapid" or not key:
        return False
    try:
        public = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, key)
        own = f"{request.scheme}://{request.host}"
        # A test's clock may be anywhere: when it ends is for the tests of the key pair.
        asked: Any = {"verify_exp": False, "require": ["aud", "exp"]}
        jwt.decode(parts.get("t", ""), public, ["ES256"], audience=own, options=asked)
    except (ValueError, jwt.InvalidTokenError):
        return False
    return True


def _decrypted(body: bytes, browser: _Browser) -> bytes:
    """The text, as the browser reads it."""
    salt, length = body[:16], body[20]
    theirs, text = body[_HEAD : _HEAD + length], body[_HEAD + length :]
    public = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, theirs)
    shared = browser.key.exchange(ec.ECDH(), public)
    own = point(browser.key.public_key())
    key, nonce = content_keys(shared, browser.auth, own, theirs, salt)
    return AESGCM(key).decrypt(nonce, text, None).rstrip(b"\0").removesuffix(b"\x02")
