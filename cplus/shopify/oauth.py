"""Installing and signing in: OAuth with expiring tokens, token exchange and session tokens.

Sources: Shopify's pages on the authorization code grant, token exchange, offline access tokens
and session tokens.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx
import jwt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cplus.actors import actor_id
from cplus.errors import (
    AuthFailed,
    InvalidActor,
    InvalidShop,
    InvalidSignature,
    ShopifyRefused,
    ShopifyUnavailable,
)
from cplus.settings import Settings
from cplus.shopify.admin import forbidden
from cplus.shopify.hosts import shop_host

TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105
ID_TOKEN: Final = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105
OFFLINE_TOKEN: Final = "urn:shopify:params:oauth:token-type:offline-access-token"  # noqa: S105
ONLINE_TOKEN: Final = "urn:shopify:params:oauth:token-type:online-access-token"  # noqa: S105

LEEWAY: Final = 10
"""Seconds that the clock of a session token may be off."""


@dataclass(frozen=True)
class App:
    """This app's registration at Shopify."""

    client_id: str
    client_secret: str = field(repr=False)
    scopes: str
    origin: str
    """Address of a shop's Admin, `https://{shop}`."""
    old_client_secret: str = field(default="", repr=False)

    @classmethod
    def from_settings(cls, settings: Settings) -> App:
        """The app from the settings; raises SettingMissing without a client secret."""
        old = settings.shopify_old_client_secret
        return cls(
            client_id=settings.shopify_client_id,
            client_secret=settings.secret("shopify_client_secret"),
            scopes=settings.shopify_scopes,
            origin=settings.shopify_origin,
            old_client_secret=old.get_secret_value() if old else "",
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """The accepted signing secrets: the new one, then the old one."""
        return tuple(one for one in (self.client_secret, self.old_client_secret) if one)

    def url(self, shop: str, path: str) -> str:
        """An address in the shop's Admin; `path` begins with a slash. Raises InvalidShop."""
        return self.origin.replace("{shop}", shop_host(shop)) + path


class Tokens(BaseModel):
    """An offline access token and its refresh token; times are seconds from issue."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    access_token: str = Field(min_length=1, repr=False)
    scope: str = ""
    expires_in: int | None = Field(None, gt=0)
    refresh_token: str | None = Field(None, repr=False)
    refresh_token_expires_in: int | None = Field(None, gt=0)


class StaffUser(BaseModel):
    """A member of a shop's staff, as an online access token tells (`associated_user`)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: int
    first_name: str | None = Field(None, repr=False)
    last_name: str | None = Field(None, repr=False)
    account_owner: bool = False
    """Whether the shop's account at Shopify is theirs."""

    @property
    def name(self) -> str:
        """What people call them; empty where Shopify has no name."""
        parts = (part.strip() for part in (self.first_name, self.last_name) if part)
        return " ".join(part for part in parts if part)


class _Online(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    associated_user: StaffUser


@dataclass(frozen=True)
class SessionToken:
    """The user who has the app open inside the Admin."""

    shop: str
    user_id: str
    """Shopify's number of the member of staff; the token does not tell a name."""
    session_id: str
    token_id: str
    issued_at: datetime
    expires_at: datetime


def authorize_url(app: App, shop: str, redirect_uri: str, state: str) -> str:
    """The URL at which the merchant can grant the app its scopes.

    `state` is random and bound to the browser; the redirect must return it. Raises InvalidShop.
    """
    query = {
        "client_id": app.client_id,
        "scope": app.scopes,
        "redirect_uri": redirect_uri,
        "state": state,
    }
    return app.url(shop, "/admin/oauth/authorize?" + urlencode(query))


def grant_url(app: App, shop: str, scopes: Sequence[str]) -> str:
    """The page of Shopify on which the merchant can grant the app these optional scopes, or decline
    them. Only for an app whose installation is Shopify-managed. Raises InvalidShop.

    Source: `redirectToInstallPage` of Shopify's own libraries.
    """
    query = {
        "client_id": app.client_id,
        "scope": app.scopes,
        "optional_scopes": ",".join(scopes),
    }
    return app.url(shop, "/admin/oauth/install?" + urlencode(query))


async def exchange_code(http: httpx.AsyncClient, app: App, shop: str, code: str) -> Tokens:
    """Tokens for the code of the OAuth redirect; a code works once.

    Raises ShopifyRefused (a used or unknown code), AuthFailed, ShopifyUnavailable.
    """
    return await _tokens(http, app, shop, {"code": code, "expiring": "1"})


async def refresh(http: httpx.AsyncClient, app: App, shop: str, refresh_token: str) -> Tokens:
    """A new pair of tokens. The old pair becomes void once the new one is used.

    Shopify accepts the same refresh token again until its successor is used, so a lost response
    can be requested again. Raises ShopifyRefused if the token is void, AuthFailed,
    ShopifyUnavailable.
    """
    fields = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return await _tokens(http, app, shop, fields)


async def exchange_session_token(
    http: httpx.AsyncClient, app: App, shop: str, session_token: str
) -> Tokens:
    """Offline tokens for the session token of an embedded app.

    Raises ShopifyRefused (an expired session token), AuthFailed, ShopifyUnavailable.
    """
    fields = {**_exchange(session_token, OFFLINE_TOKEN), "expiring": "1"}
    return await _tokens(http, app, shop, fields)


async def staff_user(http: httpx.AsyncClient, app: App, shop: str, session_token: str) -> StaffUser:
    """Whose session token it is: only an online access token tells that, and it is dropped at
    once, since the app acts with its offline tokens.

    Raises as `exchange_session_token` does.
    """
    answer = await _answer(http, app, shop, _exchange(session_token, ONLINE_TOKEN))
    try:
        return _Online.model_validate_json(answer).associated_user
    except ValidationError:
        raise ShopifyUnavailable(shop=shop, reason="an answer without a user") from None


def _exchange(session_token: str, wanted: str) -> dict[str, str]:
    return {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": session_token,
        "subject_token_type": ID_TOKEN,
        "requested_token_type": wanted,
    }


def session_token(app: App, token: str) -> SessionToken:
    """The user of a session token, after checking its signature, times and audience.

    The hosts of `iss` and `dest` must be the same shop, and `sub` must be of the form of an id.
    Raises InvalidSignature.
    """
    claims = _claims(app, token)
    try:
        shop = shop_host(urlsplit(str(claims["dest"])).netloc)
        issuer = shop_host(urlsplit(str(claims["iss"])).netloc)
        user = actor_id(str(claims["sub"]))
    except (InvalidShop, InvalidActor, ValueError):
        raise InvalidSignature from None
    if shop != issuer:
        raise InvalidSignature
    return SessionToken(
        shop=shop,
        user_id=user,
        session_id=str(claims.get("sid", "")),
        token_id=str(claims["jti"]),
        issued_at=datetime.fromtimestamp(int(claims["iat"]), UTC),
        expires_at=datetime.fromtimestamp(int(claims["exp"]), UTC),
    )


def _claims(app: App, token: str) -> dict[str, Any]:
    if not token.isascii():
        raise InvalidSignature
    for secret in app.secrets:
        try:
            return jwt.decode(
                token,
                secret,
                algorithms=["HS256"],
                audience=app.client_id,
                leeway=LEEWAY,
                options={"require": ["iss", "dest", "aud", "sub", "exp", "nbf", "iat", "jti"]},
            )
        except jwt.InvalidSignatureError:
            continue
        except jwt.PyJWTError:
            raise InvalidSignature from None
    raise InvalidSignature


async def _tokens(
    http: httpx.AsyncClient, app: App, shop: str, fields: Mapping[str, str]
) -> Tokens:
    answer = await _answer(http, app, shop, fields)
    try:
        return Tokens.model_validate_json(answer)
    except ValidationError:
        raise ShopifyUnavailable(shop=shop, reason="an answer without tokens") from None


async def _answer(http: httpx.AsyncClient, app: App, shop: str, fields: Mapping[str, str]) -> bytes:
    body = {"client_id": app.client_id, "client_secret": app.client_secret, **fields}
    url = app.url(shop, "/admin/oauth/access_token")
    try:
        # Never follow a redirect: the secret in the body must only go to this shop.
        answer = await http.post(
            url, json=body, headers={"Accept": "application/json"}, follow_redirects=False
        )
    except httpx.HTTPError as error:
        raise ShopifyUnavailable(shop=shop, reason=type(error).__name__) from None
    if answer.status_code == 200:
        return answer.content
    raise _refusal(shop, answer)


def _refusal(shop: str, answer: httpx.Response) -> Exception:
    status = answer.status_code
    if status == 403:
        return forbidden(shop, answer.content)
    if status == 401:
        return AuthFailed(shop=shop, reason="status 401")
    if status >= 500 or status in (402, 408, 423, 429, 430) or status < 400:
        return ShopifyUnavailable(shop=shop, reason=f"status {status}")
    return ShopifyRefused(shop=shop, code=_error_code(answer.content) or f"status {status}")


def _error_code(body: bytes) -> str:
    try:
        code = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    # An error code is one word; anything longer could be a page or repeat the request.
    return code if isinstance(code, str) and code.isidentifier() and len(code) < 60 else ""
