"""A shop is named by its host, and by nothing that only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cplus.errors import InvalidShop
from cplus.shopify import shop_host, shop_name, typed_shop


def test_a_host_is_answered_in_lower_case() -> None:
    assert shop_host("Blue-Jam2.myshopify.com") == ("blue-jam2.myshopify.com")
    assert shop_name("BLUE-JAM.myshopify.com") == "blue-jam"


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        ".myshopify.com",
        "-jam.myshopify.com",
        "jam.myshopify.com\n",
        " jam.myshopify.com",
        "jam.myshopify.com ",
        "jam.myshopify.com/",
        "jam.myshopify.com.evil.example",
        "evil.example/jam.myshopify.com",
        "evil.example#jam.myshopify.com",
        "a.b.myshopify.com",
        "jam.myshopify.com:443",
        "user@jam.myshopify.com",
        "https://jam.myshopify.com",
        "jam_two.myshopify.com",
        "jamXmyshopify.com",
        "jam.MYSHOPIFY.COM",
        "jäm.myshopify.com",
        "\u0661jam.myshopify.com",
        "jam\0.myshopify.com",
        "../jam.myshopify.com",
        "j" * 64 + ".myshopify.com",
        "j" * 900_000 + ".myshopify.com",
        None,
        7,
        b"jam.myshopify.com",
        ["jam.myshopify.com"],
    ],
)
def test_what_is_no_host_is_refused(hostile: object) -> None:
    with pytest.raises(InvalidShop) as refused:
        shop_host(hostile)
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize(
    "typed",
    [
        "blue-jam",
        " Blue-Jam ",
        "blue-jam.myshopify.com",
        "BLUE-JAM.MYSHOPIFY.COM/",
        "http://blue-jam.myshopify.com/admin/orders?a=b#c",
        "HTTPS://blue-jam.myshopify.com",
        "admin.shopify.com/store/blue-jam",
        "https://admin.shopify.com/store/Blue-Jam",
        "https://admin.shopify.com/store/blue-jam/",
        "https://admin.shopify.com/store/blue-jam/orders/1?x=/store/other",
    ],
)
def test_a_shop_is_understood_however_people_spell_it(typed: str) -> None:
    assert typed_shop(typed) == "blue-jam.myshopify.com"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "blue jam",
        "https://admin.shopify.com/",
        "https://admin.shopify.com/store",
        "https://admin.shopify.com/store/",
        "https://admin.shopify.com/stores/blue-jam",
        "https://admin.shopify.com/store/blue-jam.myshopify.com.evil.example",
        "https://admin.shopify.com.evil.example/store/blue-jam",
        "https://evil.example/store/blue-jam",
        "https://evil.example/blue-jam.myshopify.com",
        "https://evil.example#blue-jam.myshopify.com",
        "https://blue-jam.myshopify.com@evil.example",
        "ann@blue-jam.myshopify.com",
        "ftp://blue-jam.myshopify.com",
        "blue-jam.myshopify.com:443",
        "https://[::1",
        "javascript:blue-jam",
    ],
)
def test_what_people_type_that_is_no_shop_is_refused(typed: str) -> None:
    with pytest.raises(InvalidShop):
        typed_shop(typed)


@given(st.text())
def test_whatever_passes_is_a_plain_host_of_shopify(text: str) -> None:
    for candidate in (text, text + ".myshopify.com"):
        try:
            host = shop_host(candidate)
        except InvalidShop:
            continue
        label = host.removesuffix(".myshopify.com")
        assert host == candidate.lower()
        assert label.isascii()
        assert label.replace("-", "").isalnum()
