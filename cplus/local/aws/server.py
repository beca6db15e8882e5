"""AWS on one machine: moto's server, with the missing parts put in front of it.

Queues and topics are served directly (`sqs`, `sns`), objects are written through to disk
(`objects`), mail is sent by a stand-in (`ses`), and everything else is moto's.
"""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from aiohttp import web

from cplus.local.answering import pid_route
from cplus.local.aws import moto_adapter, pages, sns, sqs, wsgi
from cplus.local.aws.dead_letters import DeadLetters
from cplus.local.aws.email.mailbox import Mailbox
from cplus.local.aws.email.names import Names
from cplus.local.aws.email.refusals import MailRefused
from cplus.local.aws.email.ses import Order, Ses, from_v1, from_v2
from cplus.local.aws.journal import Journal
from cplus.local.aws.kms import load_key
from cplus.local.aws.moves import MoveRefused, Moves
from cplus.local.aws.objects import Objects
from cplus.local.hosts import only_known, only_own_pages
from cplus.local.peers import only_users
from cplus.local.push import PushService

_ACCOUNT = "/v2/email/account"
_IDENTITIES = "/v2/email/identities"
_SENDING = "/v2/email/outbound-emails"
_SETS = "/v2/email/configuration-sets/"
_DESTINATIONS = "/event-destinations"
_ABOUT_TENANTS = tuple(f"/v2/email/{one}" for one in ("tenant", "reputation/", "suppression/"))
_LARGEST = 128 * 1024 * 1024  # bytes of a request; SES's 40 MB in base64 and more
_ACTION = re.compile(rb"(?:^|&)Action=(\w+)")


class Server:
    """The whole endpoint over one data directory, on one event loop."""

    def __init__(self, data: Path) -> None:
        self._moto: Callable[..., Iterable[bytes]] = moto_adapter.application()
        load_key(data / "kms.key")
        self._objects = Objects(data / "buckets")
        self._mailbox = Mailbox(data / "mailbox")
        self._ses = Ses(self._mailbox, sns.publish)
        self._dead_letters = DeadLetters(data / "dead-letters")
        self._journal = Journal(data / "aws-state.json", self._dead_letters.others)
        self._waiters = sqs.Waiters(self._settle)
        self._moves = Moves()
        self._push = PushService()
        self._calls: Counter[str] = Counter()
        self.loaded = self._objects.load()

    def app(self) -> web.Application:
        """The aiohttp application."""
        guards = [only_users(), only_known(), only_own_pages]
        app = web.Application(client_max_size=_LARGEST, middlewares=guards)
        app.router.add_get("/_local/state", self._state)
        app.router.add_routes([pid_route()])
        app.router.add_get("/_local/ses", self._trouble)
        app.router.add_post("/_local/ses", self._trouble)
        app.router.add_routes(self._push.routes())
        app.router.add_get("/_local/dns", self._dns)
        app.router.add_post("/_local/dns", self._dns)
        app.router.add_get("/_mailbox", self._mail)
        app.router.add_get("/_mailbox/{tail:.*}", self._mail)
        app.router.add_route("*", "/{tail:.*}", self._aws)
        return app

    def close(self) -> None:
        """Records that this is a clean stop."""
        self._journal.close()

    @property
    def names(self) -> Names:
        """The name server's records."""
        return self._ses.names

    async def _state(self, _: web.Request) -> web.Response:
        """The number of messages and of dead letters per queue, what the last kill lost, and the
        number of calls."""
        state = {
            "queues": {name: len(one.messages()) for name, one in moto_adapter.queues().items()},
            "dead_letters": self._dead_letters.counts(),
            "lost": self._journal.lost,
            "calls": self._calls,
        }
        return web.json_response(state)

    async def _trouble(self, request: web.Request) -> web.Response:
        """The quotas of SES's account and what is to fail; a POST changes them."""
        if request.method == "POST":
            try:
                wanted = await request.json()
                self._ses.tenants.told(wanted.pop("tenants", {}))
                self._ses.trouble.told(wanted)
            except (ValueError, TypeError) as error:
                return web.json_response({"error": str(error)}, status=400)
        tenants = self._ses.tenants.state()
        return web.json_response({**self._ses.trouble.state(), "tenants": tenants})

    async def _dns(self, request: web.Request) -> web.Response:
        """The records of merchants' domains; a POST writes some."""
        if request.method == "POST":
            try:
                self.names.told(await request.json())
            except (ValueError, TypeError, AttributeError) as error:
                return web.json_response({"error": str(error)}, status=400)
        return web.json_response(self.names.state())

    async def _mail(self, request: web.Request) -> web.Response:
        return pages.respond(self._mailbox, request)

    async def _aws(self, request: web.Request) -> web.Response:
        body = await request.read()
        self._calls[_call(request, body)] += 1
        try:
            response = await self._ours(request, body)
        except sqs.NotOurs:
            response = wsgi.call(self._moto, request, body)
            if response.status < 300 and "X-Amz-Target" not in request.headers:
                self._objects.follow(request.method, request.raw_path)
        except sqs.Refused:
            why = "The message contains characters outside the allowed set."
            response = _refused("InvalidMessageContents", why)
        except MoveRefused as refusal:
            response = _refused(refusal.code, str(refusal))
        except MailRefused as refusal:
            content = {"message": str(refusal)}
            response = _json(content, status=refusal.status, error=refusal.code)
        self._settle()
        self._waiters.wake()
        return response

    def _settle(self) -> None:
        """Saves the state of the queues: dead letters first, so that no kill loses one."""
        self._dead_letters.follow()
        self._journal.note()

    async def _ours(self, request: web.Request, body: bytes) -> web.Response:
        target, path = request.headers.get("X-Amz-Target", ""), request.path
        if target.startswith("AmazonSQS."):
            return await self._queue(target.partition(".")[2], body)
        if request.method == "GET" and path == _ACCOUNT:
            return _json(self._ses.trouble.account())
        if path.startswith(_ABOUT_TENANTS):
            asked = json.loads(body) if body else {}
            answered = self._ses.tenants.answer(request.method, path, asked, request.query)
            if answered is not None:
                return _json(answered)
        if path.startswith(_IDENTITIES):
            asked = json.loads(body) if body else {}
            answered = self._ses.identities.answer(request.method, request.raw_path, asked)
            if answered is not None:
                return _json(answered)
        if request.method != "POST":
            raise sqs.NotOurs
        if path == _SENDING:
            return await self._send(request, from_v2(body))
        if path.startswith(_SETS) and path.endswith(_DESTINATIONS):
            name = path.removeprefix(_SETS).removesuffix(_DESTINATIONS)
            self._ses.add_destination(name, json.loads(body))
            return _json({})
        if path == "/" and b"Action=Publish" in body:
            return _xml(sns.answer(body))
        if path == "/" and b"Action=SendRawEmail" in body:
            return self._send_v1(body)
        raise sqs.NotOurs

    async def _queue(self, action: str, body: bytes) -> web.Response:
        try:
            call = json.loads(body or b"{}")
        except ValueError as error:
            raise sqs.NotOurs from error
        if action in self._moves.ACTIONS:
            answered = self._moves.answer(action, call)
        else:
            answered = await sqs.answer(action, call, self._waiters)
        return web.Response(
            body=json.dumps(answered).encode(), content_type="application/x-amz-json-1.0"
        )

    async def _send(self, request: web.Request, order: Order) -> web.Response:
        failure = self._ses.failure(order)
        if failure is not None and failure.how == "slow":
            await asyncio.sleep(failure.seconds)
        bounces = failure is not None and failure.how == "bounce"
        message_id = self._ses.send(order, bounces=bounces)
        if failure is not None and failure.how == "lost" and request.transport is not None:
            request.transport.abort()  # it is sent, and whoever asked never hears of it
        return _json({"MessageId": message_id})

    def _send_v1(self, body: bytes) -> web.Response:
        try:
            message_id = self._ses.send(from_v1(body))
        except MailRefused as refusal:
            return _xml(
                "<ErrorResponse><Error><Type>Sender</Type>"
                f"<Code>{refusal.old_code}</Code><Message>{escape(str(refusal))}</Message></Error>"
                f"<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>",
                status=400,
            )
        return _xml(
            '<SendRawEmailResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/">'
            f"<SendRawEmailResult><MessageId>{message_id}</MessageId></SendRawEmailResult>"
            f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
            "</SendRawEmailResponse>"
        )


def _call(request: web.Request, body: bytes) -> str:
    """`sqs:SendMessage`; the method if the protocol names no action: `s3:PUT`."""
    signed = request.headers.get("Authorization", "").partition("Credential=")[2].split("/")
    service = signed[3] if len(signed) > 4 else "unsigned"
    action = request.headers.get("X-Amz-Target", "").partition(".")[2]
    found = _ACTION.search(body) if not action and request.path == "/" else None
    return f"{service}:{found[1].decode() if found else action or request.method}"


def _json(content: dict[str, Any], *, status: int = 200, error: str = "") -> web.Response:
    headers = {"x-amzn-ErrorType": error} if error else {}
    return web.json_response(content, status=status, headers=headers)


def _xml(content: str | bytes, *, status: int = 200) -> web.Response:
    body = content.encode() if isinstance(content, str) else content
    return web.Response(body=body, status=status, content_type="text/xml")


def _refused(code: str, why: str) -> web.Response:
    """An error of SQS in the JSON protocol."""
    return web.Response(
        status=400,
        body=json.dumps({"__type": f"com.amazonaws.sqs#{code}", "message": why}).encode(),
        content_type="application/x-amz-json-1.0",
        headers={"x-amzn-query-error": f"{code};Sender"},
    )
