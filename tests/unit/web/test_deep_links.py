"""Which addresses a sign-in may lead to."""

from __future__ import annotations

import pytest

from cplus.web.kit.deep_links import CONSOLE_HOME, HOME, own_console_page, own_page


@pytest.mark.parametrize(
    "address",
    [
        "/conversations/c1?at=7",
        "/inbox?tab=all&query=../there",
        "/customers/7?next=/a/../b",
        "/privacy/requests/1",
        "/conversations/a..b/...",
    ],
)
def test_a_page_of_the_merchant_is_led_to(address: str) -> None:
    assert own_page(address) == address


@pytest.mark.parametrize("dots", ["..", ".", "%2e%2e", "%2E.", ".%2e", "%2e"])
@pytest.mark.parametrize("rest", ["/auth/install?shop=evil.myshopify.com", "", "?a=b"])
def test_no_page_climbs_out_of_the_path_that_it_begins_with(dots: str, rest: str) -> None:
    assert own_page(f"/inbox/{dots}{rest}") == HOME
    assert own_page(f"/conversations/c1/{dots}/{dots}{rest}") == HOME
    assert own_console_page(f"/console/dead/{dots}{rest}") == CONSOLE_HOME
