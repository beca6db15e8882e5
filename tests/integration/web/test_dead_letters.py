"""Dead letters in the operator console."""

from __future__ import annotations

import re

import httpx

from cplus.aws import Aws
from cplus.events.catalogue.operators import OperatorLooked
from cplus.events.names import LOOKED_REF
from cplus.ids import random_id
from cplus.web.app import create_app
from tests.integration.dead_world import fail, queue_of
from tests.integration.web.harness import OPERATOR, SHOP, Harness, fields_of, path_of
from tests.samples import installed

WORDS = "Ada’s <own> words"
MARKED = r'href="{}" aria-current="page">{}<'


async def test_an_operator_counts_lists_shows_and_redrives_dead_letters(
    mongo_uri: str, database: str, aws_endpoint: str
) -> None:
    async with Harness(mongo_uri, database, stage=random_id(8)).opened() as web:
        await web.record(SHOP, f"shop/{SHOP}", installed("Acorn & Co"))
        aws, stage = web.parts.aws, web.settings.stage
        await fail(aws, await queue_of(aws, stage, "send"), {"shop": SHOP, "text": WORDS})
        async with web.browser() as browser:
            asked = path_of(await browser.get("/console/dead/send"))
            form = fields_of((await browser.get(asked)).text, "/console/sign-in")
            signed = {**form, "name": "jo", "token": OPERATOR}
            answer = await browser.post("/console/sign-in", data=signed)
            assert path_of(answer) == "/console/dead/send", "where they wanted to be"
            elsewhere = {**signed, "next": "//elsewhere.example/console/dead"}
            answer = await browser.post("/console/sign-in", data=elsewhere)
            assert path_of(answer) == "/console"
            assert re.search(
                MARKED.format("/console", "Shops"), (await browser.get("/console")).text
            )
            page = (await browser.get("/console/dead")).text
            assert re.search(MARKED.format("/console/dead", "Dead letters"), page)
            assert re.search(r'href="/console/dead/send">send</a></td>.*>1</span>', page)
            listed = (await browser.get("/console/dead/send")).text
            assert "acorn" in listed
            assert "own&gt; words" not in listed
            missing = await browser.get("/console/dead/sent")
            assert missing.status_code == 404
            assert "choose one of: send" in missing.text
            assert "Sign out" in missing.text, "with the console's navigation"
            await _shown_and_recorded(web, browser, listed)
            assert len(await web.parts.store.by_ref(SHOP, LOOKED_REF)) == 1
            forged = (await browser.get("/console/dead/send?done=5")).text
            assert 'role="status"' not in forged, "an address alone says nothing"
            redrive = "/console/dead/send/redrive"
            assert (await browser.post(redrive, data={"csrf": "another"})).status_code == 403
            answer = await browser.post(redrive, data=fields_of(listed, redrive))
            after = (await browser.get(path_of(answer))).text
            assert "1 dead letter goes back to send." in after
            assert "No dead letters" in after
            assert path_of(await browser.get(redrive)) == "/console/dead/send"


async def test_an_operator_deletes_a_dead_letter_and_is_told_what_was_put_there(
    mongo_uri: str, database: str, aws_endpoint: str
) -> None:
    async with Harness(mongo_uri, database, stage=random_id(8)).opened() as web:
        aws, stage = web.parts.aws, web.settings.stage
        url = await queue_of(aws, stage, "send")
        sqs = await aws.client("sqs")
        await sqs.send_message(QueueUrl=f"{url}-dead", MessageBody="put there")
        async with web.browser() as browser:
            await browser.post("/console/sign-in", data={"name": "jo", "token": OPERATOR})
            listed = (await browser.get("/console/dead/send")).text
            redrive = "/console/dead/send/redrive"
            answer = await browser.post(redrive, data=fields_of(listed, redrive))
            assert answer.status_code == 409
            assert "0 dead letters went back to send. At least one" in answer.text
            shown = await browser.post(
                "/console/dead/send/show", data=fields_of(listed, "/console/dead/send/show")
            )
            page = (await browser.get(path_of(shown))).text
            delete = "/console/dead/send/delete"
            fields = fields_of(page, delete)
            assert (await browser.post(delete, data={**fields, "csrf": "x"})).status_code == 403
            answer = await browser.post(delete, data=fields)
            after = (await browser.get(path_of(answer))).text
            assert f"The dead letter {fields['id']} is deleted." in after
            assert "No dead letters" in after
            gone = await browser.post(delete, data=fields)
            assert gone.status_code == 404
            assert "was redriven or deleted" in gone.text


async def _shown_and_recorded(web: Harness, browser: httpx.AsyncClient, listed: str) -> None:
    show = "/console/dead/send/show"
    fields = fields_of(listed, show)
    assert (await browser.post(show, data={**fields, "csrf": "another"})).status_code == 403
    assert (await browser.post(show, data={**fields, "id": "none"})).status_code == 404
    assert not await web.parts.store.by_ref(SHOP, LOOKED_REF)
    leads_to = path_of(await browser.post(show, data=fields))
    shown = (await browser.get(leads_to)).text
    again = (await browser.get(leads_to)).text
    assert "own&gt; words" not in again, "loaded again without another look"
    assert fields_of(again, show)["id"] == fields["id"]
    assert path_of(await browser.get(show)) == "/console/dead/send"
    assert "&lt;own&gt; words" in shown
    assert "your look is recorded in the log of acorn" in shown
    [commit] = await web.parts.store.by_ref(SHOP, LOOKED_REF)
    [looked] = await web.parts.reader.of(commit, OperatorLooked)
    assert (looked.actor, looked.source) == ("operator/jo", "console")


async def test_queues_that_do_not_answer_are_said_in_words(web: Harness) -> None:
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    nowhere = Aws(endpoint_url="http://127.0.0.1:9", region_name="us-east-1", **keys)
    app = create_app(web.parts_with(aws=nowhere))
    async with web.browser(app) as browser:
        await browser.post("/console/sign-in", data={"name": "jo", "token": OPERATOR})
        answer = await browser.get("/console/dead")
        assert answer.status_code == 502
        assert "of dead letters gave no usable answer" in answer.text
        assert "Shopify" not in answer.text.partition("<main")[2].partition("</main>")[0]
    await nowhere.close()
