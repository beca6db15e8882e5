"""No route shows or changes anything of another shop: each id in an address is asked for in the
session of a shop that does not have it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cplus.ids import random_id
from cplus.web.kit.acts import PAGES
from tests.integration.web.harness import OTHER, SHOP, Harness, fields_of
from tests.integration.web.routes import asks_for_a_merchant, routes_of

_OWN = {"section", "position"}
"""Parameters that are ids of nothing: a section of a page, a moment of a log."""

_LIST = {"/privacy/requests/{number}"}
"""Of a request that there is not, it leads to the list of one's own."""

_QUERY = {"step": "1"}
"""What an address needs besides its ids."""


async def ids_of(web: Harness, pages: list[str]) -> Mapping[str, str]:
    """Ids of things that the shop has, by the names of parameters of routes."""
    talk = next(found[1] for one in pages if (found := re.match(r"/conversations/(\w+)\?", one)))
    [message] = (await web.parts.queries.messages_of(SHOP, talk)).items
    aside = next(one.split("/")[3] for one in pages if one.startswith("/inbox/automatic/"))
    return {
        "conversation_id": talk,
        "message_id": message.id,
        "aside": aside,
        "failure": message.id,
        "file_id": "0",
        "person": "ada",
        "reply": next(
            found[1]
            for one in pages
            if (found := re.fullmatch(r"/settings/saved-replies/(\w{12})", one))
        ),
        "erasure": "e1",
        "number": "1",
        "section": "signature",
        "position": "1",
    }


async def test_an_id_of_another_shop_is_found_by_no_route(web: Harness, pages: list[str]) -> None:
    ids = await ids_of(web, pages)
    await web.install(OTHER)
    before = (await web.parts.store.head(SHOP)).position
    wrong, shown = [], []
    async with web.signed_in(OTHER) as browser, web.signed_in(SHOP) as own:
        page = (await browser.get("/settings/team")).text
        csrf = fields_of(page, "/settings/team/default")["csrf"]
        for route in routes_of(web.app.routes):
            names = re.findall(r"\{(\w+)\}", route.path)
            if not set(names) - _OWN or not asks_for_a_merchant(route.dependant):
                continue
            known = {**ids, "message_id": ids["aside"]} if "automatic" in route.path else ids
            address = route.path.format_map(known)  # a new parameter is to be named above
            for method in route.methods or ():
                fields = {"csrf": csrf, "key": random_id(26), "text": "Hello", "until": "tomorrow"}
                fields |= {"message": ids["message_id"], "into": ids["conversation_id"]}
                fields |= {"priority": "high", "to": "eve@example.com", "what": "address"}
                data = fields if method == "POST" else None
                answer = await browser.request(method, address, data=data, params=_QUERY)
                # The address of a form leads back to a page, which it does not look up.
                back = method == "GET" and (route.path not in PAGES or route.path in _LIST)
                if answer.status_code != (303 if back else 404):
                    wrong.append((method, route.path, answer.status_code))
                if method == "GET" and not back:
                    shown.append((await own.get(address)).status_code)
    assert wrong == []
    assert shown.count(200) >= 10, "the shop that has them sees its own"
    assert (await web.parts.store.head(SHOP)).position == before, "nothing happened there"
