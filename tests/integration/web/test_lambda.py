"""The web app as a Lambda: payload 2.0, one event loop, nothing left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from cplus.commands.sessions import sign_in_link
from cplus.settings import Settings
from tests.conftest import ROOT
from tests.integration.web.harness import SHOP, Harness

# Invokes the handler once for each event on standard input, as the runtime does: in the process's
# main thread and with no loop running.
PROCESS = """
import asyncio, json, sys, threading
from lambdas.web import handler
from cplus.bootstrap import event_loop
loop = None
for line in sys.stdin:
    answer = handler(json.loads(line), None)
    loop = loop or event_loop()
    assert asyncio.get_event_loop() is loop is event_loop()
    left = [str(task) for task in asyncio.all_tasks(loop)]
    print("answer", json.dumps({"answer": answer, "left": left}), flush=True)
"""


def _event(
    path: str,
    query: str = "",
    *,
    method: str = "GET",
    cookies: list[str] | None = None,
    body: str | None = None,
) -> dict[str, Any]:
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"host": "app.test", "x-forwarded-proto": "https", "accept": "*/*"},
        "requestContext": {
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "::1"},
            "requestId": "r",
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }
    if cookies:
        event["cookies"] = cookies
    if body is not None:
        event["body"] = body
        event["headers"]["content-type"] = "application/x-www-form-urlencoded"
    return event


class Function:
    """A process of the function, asked one event after another."""

    def __init__(self, settings: Settings) -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "CPLUS_MONGO_URI": settings.secret("mongo_uri"),
            "CPLUS_MONGO_DATABASE": settings.mongo_database,
            "CPLUS_MONGO_KEYRING_DATABASE": settings.mongo_keyring_database,
            "CPLUS_APPLICATION_SECRET": settings.secret("application_secret"),
            "CPLUS_APP_URL": settings.app_url,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", PROCESS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=environment,
            text=True,
        )

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(event) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("answer "):
                told = json.loads(line.removeprefix("answer "))
                assert told["left"] == []
                answer: dict[str, Any] = told["answer"]
                return answer
        raise AssertionError("the process ended")

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


async def test_many_requests_in_one_process_share_a_loop_and_leave_no_task(web: Harness) -> None:
    settings = web.settings
    function = Function(settings)
    try:
        query = sign_in_link(settings, SHOP).partition("?")[2]
        signed_in = function(_event("/auth/sign-in", method="POST", body=query))
        assert (signed_in["statusCode"], signed_in["headers"]["location"]) == (303, "/inbox")
        [cookie] = signed_in["cookies"]
        session = [cookie.partition(";")[0]]
        pages = [function(_event("/inbox", "tab=all", cookies=session)) for _ in range(3)]
        for page in pages:
            assert page["statusCode"] == 200
            assert page["isBase64Encoded"] is False
            assert "No conversations yet" in page["body"]
        style = pages[0]["body"].partition('rel="stylesheet" href="')[2].partition('"')[0]
        css = function(_event(style))
        assert css["headers"]["content-type"].startswith("text/css")
        assert ":root" in css["body"]
        mark = pages[0]["body"].partition('rel="icon" href="')[2].partition('"')[0]
        assert function(_event(mark))["body"].startswith("<svg")
        refused = function(
            _event("/auth/sign-out", method="POST", cookies=session, body="csrf=another")
        )
        assert refused["statusCode"] == 403
        lost = function(_event("/auth/sign-in", method="POST", body=query))
        assert lost["statusCode"] == 403
        assert function(_event("/healthz"))["body"] == '{"ok":true}'
    finally:
        function.end()
