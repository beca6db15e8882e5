"""Sign-in links and secrets, as far as they need no database."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from cplus.commands.sessions import LINK_SECONDS, same_secret, sign_in_link
from cplus.errors import InvalidActor, InvalidShop, SettingMissing
from cplus.settings import Settings

SHOP = "acorn.myshopify.com"


def test_a_sign_in_link_points_into_the_app_and_needs_a_shop_and_a_secret() -> None:
    settings = Settings(
        application_secret=SecretStr("an application secret of this test"),
        app_url="https://app.example.com",
    )
    link = sign_in_link(settings, SHOP)
    assert link.startswith("https://app.example.com/auth/sign-in?token=")
    assert sign_in_link(settings, SHOP) != link
    assert LINK_SECONDS <= 3600
    with pytest.raises(InvalidShop):
        sign_in_link(settings, "evil.example.com")
    with pytest.raises(InvalidActor):
        sign_in_link(settings, SHOP, user="a b")
    with pytest.raises(SettingMissing):
        sign_in_link(Settings(application_secret=None), SHOP)


def test_secrets_are_compared_whole() -> None:
    assert same_secret("a", "a")
    assert not same_secret("a", "ab")
    assert not same_secret("\udc80", "?a")
