"""`shopify.app.toml` keeps the rules by which Shopify's CLI takes it.

Source: the schemas of Shopify's CLI 3.94 (`app_home`, `app_access`, `branding`, `webhooks`) and
what it checks across them.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from cplus.web.kit.handshake import CALLBACK

FILE = Path(__file__).parents[3] / "shopify.app.toml"


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text("utf-8"))


def test_the_app_is_embedded_and_its_installation_is_shopifys(described: dict[str, Any]) -> None:
    assert described["embedded"] is True
    # With topics in the file, the CLI refuses `use_legacy_install_flow = true`.
    assert "use_legacy_install_flow" not in described["access_scopes"]
    known = {"scopes", "required_scopes", "optional_scopes", "use_legacy_install_flow"}
    assert set(described["access_scopes"]) <= known
    assert all(
        isinstance(one, str) for one in described["access_scopes"].get("optional_scopes", [])
    )


def test_names_and_addresses_are_ones_that_the_cli_takes(described: dict[str, Any]) -> None:
    assert len(described["name"]) <= 30
    assert isinstance(described["client_id"], str)
    app = urlsplit(described["application_url"])
    assert (app.scheme, app.path) == ("https", "")
    # The code grant, for a window of its own and for apps outside the Admin.
    assert described["auth"] == {"redirect_urls": [f"https://{app.netloc}{CALLBACK}"]}


def test_each_subscription_is_whole_and_stands_once(described: dict[str, Any]) -> None:
    subscriptions = described["webhooks"]["subscriptions"]
    once: Counter[tuple[str, ...]] = Counter()
    for one in subscriptions:
        topics, compliance = one.get("topics", []), one.get("compliance_topics", [])
        assert topics or compliance
        assert one["uri"].startswith(("/", "https://", "arn:aws:events:", "pubsub://"))
        once.update((topic, one["uri"], one.get("filter", "")) for topic in topics)
        once.update((topic,) for topic in compliance)
    assert set(once.values()) == {1}
