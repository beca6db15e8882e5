"""Customers who ask for their data, as the merchant sees them."""

from __future__ import annotations

import html
import json
import re
from typing import Any

from cplus.consumers.webhooks.translate import Notice, translate
from cplus.events.catalogue.privacy import DataRequested, PersonExported
from cplus.events.names import data_request_stream
from cplus.mongo import Mongo
from cplus.projections.models.data_requests import DATA_REQUESTS
from tests.integration.web.harness import OTHER, SHOP, Harness

DAY = 24 * 3600
NOTHING = "Nothing is kept about this person."


async def asks(web: Harness, request: int, shop: str = SHOP, **customer: Any) -> str:
    """Somebody asks for their data; answers who it is."""
    body = json.dumps({"customer": customer, "data_request": {"id": request}}).encode()
    now = web.clock()
    notice = Notice(shop, "customers/data_request", now, now)
    [*_, asked] = [new.event for new in await translate(notice, body, web.parts.persons.resolve)]
    assert isinstance(asked, DataRequested)
    await web.record(shop, data_request_stream(request), asked, refs=[asked.person])
    return asked.person


async def test_requests_are_listed_with_what_is_to_be_done_about_them(web: Harness) -> None:
    known = await web.parts.persons.resolve(SHOP, address="ada@example.com")
    assert known
    await web.conversation(person=known.person)
    assert await asks(web, 1, email="ada@example.com") == known.person
    web.clock.forward(1)
    await asks(web, 2, email="<b>bob@example.com")
    web.clock.forward(1)
    await asks(web, 3, id=77, phone="+1555")
    await asks(web, 4, shop=OTHER, email="cleo@example.com")
    async with web.signed_in() as browser:
        page = (await browser.get("/privacy")).text
        rows = re.findall(r"<tr>\s*<td>.*?</tr>", page, re.DOTALL)
        assert ["+1555" in rows[0], "bob@" in rows[1], "ada@" in rows[2]] == [True] * 3
        assert [NOTHING in row for row in rows] == [True, True, False]
        assert "<b>bob" not in page
        assert "cleo@" not in page
        assert 'Open <span class="count">3</span>' in page
        assert "Overdue" not in page
    web.clock.forward(30 * DAY + 1)
    exported = PersonExported(person=known.person, request_id=1, format="json")
    await web.record(SHOP, known.person, exported, refs=[known.person])
    async with web.signed_in() as browser:
        assert (await browser.get("/privacy")).text.count(">Overdue<") == 2
        done = (await browser.get("/privacy?state=exported")).text
        assert ">Exported</span>" in done
        assert ">Overdue<" not in done
        for wrong in ("?state=x", "?cursor=x"):
            assert (await browser.get(f"/privacy{wrong}")).status_code == 400


async def test_requests_are_paged_and_each_page_walks_an_index(web: Harness) -> None:
    for request in range(1, 23):
        await asks(web, request, email=f"a{request}@example.com")
    async with web.signed_in() as browser:
        first = (await browser.get("/privacy")).text
        [following] = re.findall(r'href="([^"]*)" rel="next"', first)
        rest = (await browser.get(html.unescape(following))).text
    listed = re.findall(r"a\d+@<wbr>example", first + rest)
    assert len(listed) == len(set(listed)) == 22
    mongo: Mongo = web.parts.mongo
    rows = mongo.database[DATA_REQUESTS.collection]
    for wanted in ({"shop": SHOP}, {"shop": SHOP, "exported": False}):
        plan = await rows.find(wanted, sort=[("at", -1), ("_id", -1)]).limit(21).explain()
        assert plan["executionStats"]["totalDocsExamined"] == 21, wanted
