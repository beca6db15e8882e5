"""Tells whose program is at the other end of a connection: every user of a machine reaches what
listens on its loopback, whatever name they use.

Linux tells by its sock_diag protocol (man 7 sock_diag), of which these are the numbers.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Collection
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

_PROTOCOL: Final = 4  # NETLINK_SOCK_DIAG
_ASK: Final = 20  # SOCK_DIAG_BY_FAMILY, also the kind of an answer
_REQUEST: Final = 1  # NLM_F_REQUEST
_HEAD: Final = struct.Struct("=IHHII")
_WHAT: Final = struct.Struct("=BBBxI")
_ENDS: Final = struct.Struct("!HH16s16sI8s")
_FOUND: Final = struct.Struct("=4x48x12xII")
_ANY_COOKIE: Final = b"\xff" * 8
_ANY_STATE: Final = 0xFFFF_FFFF

Address = tuple[str, int]


class UsersUnknown(OSError):
    """This machine does not tell whose a connection is."""


def owner(peer: Address, own: Address) -> int | None:
    """The id of the user who holds the end `peer` of a TCP connection to `own`, both on this
    machine; None if nobody holds it any more. Raises UsersUnknown."""
    family = socket.AF_INET6 if ":" in peer[0] else socket.AF_INET
    from_, to = (socket.inet_pton(family, host).ljust(16, b"\0") for host in (peer[0], own[0]))
    asked = _WHAT.pack(family, socket.IPPROTO_TCP, 0, _ANY_STATE)
    asked += _ENDS.pack(peer[1], own[1], from_, to, 0, _ANY_COOKIE)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _PROTOCOL) as kernel:
            kernel.send(_HEAD.pack(_HEAD.size + len(asked), _ASK, _REQUEST, 1, 0) + asked)
            answer = kernel.recv(4096)
    except (AttributeError, OSError):  # not Linux, or one that keeps it to itself
        raise UsersUnknown from None
    _, kind, *_ = _HEAD.unpack_from(answer)
    if kind != _ASK:
        return None
    user, file = _FOUND.unpack_from(answer, _HEAD.size)
    return int(user) if file else None  # closed by its program, it is called root's


def only_users(users: Collection[int] = (0, os.getuid())) -> Middleware:
    """Answers 403 to programs of other users, before anything is read; where the machine does not
    tell whose they are, to none."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        ends = [request.get_extra_info(name)[:2] for name in ("peername", "sockname")]
        try:
            allowed = owner(*ends) in users
        except UsersUnknown:
            allowed = True
        if not allowed:
            raise web.HTTPForbidden(text="This is for the user who started it.\n")
        return await handler(request)

    return check
