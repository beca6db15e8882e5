"""Cookies: which there are, and how a browser keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fastapi import Request
from fastapi.responses import Response

from cplus.web.kit.auth import SESSION_SECONDS

SESSION: Final = "cplus_session"
"""A merchant who is signed in."""

CONSOLE: Final = "cplus_console"
"""An operator who is signed in."""

INSTALL: Final = "cplus_install"
"""A browser that began an installation."""

LANGUAGE: Final = "cplus_language"
"""The language that a member of staff chose."""

PUSH: Final = "cplus_push"
"""A browser that is told of new messages: the id of its row."""


@dataclass(frozen=True, slots=True)
class Cookies:
    """Gives cookies to browsers, reads them, and takes them away."""

    secure: bool
    """Whether the app is reached by https."""

    def held(self, request: Request, name: str) -> str | None:
        """What the browser brings in the cookie; None without one."""
        return request.cookies.get(self._name(name))

    def give(
        self, answer: Response, name: str, value: str, *, seconds: int = SESSION_SECONDS
    ) -> None:
        """Gives the browser a cookie that no script can read."""
        answer.set_cookie(
            self._name(name),
            value,
            max_age=seconds,
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )

    def drop(self, answer: Response, name: str) -> None:
        """Takes the cookie away again."""
        answer.delete_cookie(self._name(name), secure=self.secure, httponly=True, samesite="lax")

    def _name(self, name: str) -> str:
        # The prefix makes browsers refuse a cookie that a neighbouring host set. It requires
        # `Secure` and the path "/" (RFC 6265bis, "The __Host- Prefix").
        return f"__Host-{name}" if self.secure else name
