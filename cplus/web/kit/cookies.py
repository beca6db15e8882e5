"""Cookies: which there are, and how a browser keeps them."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi.responses import Response

from cplus.web.kit.auth import SESSION_SECONDS


@dataclass(frozen=True, slots=True)
class Cookies:
    """Gives cookies to browsers, and takes them away."""

    secure: bool
    """Whether the app is reached by https."""

    @property
    def session(self) -> str:
        """The name of the session's cookie."""
        # The prefix makes browsers refuse a cookie that a neighbouring host set.
        return "__Host-cplus_session" if self.secure else "cplus_session"

    def give(
        self,
        answer: Response,
        name: str,
        value: str,
        *,
        seconds: int = SESSION_SECONDS,
        path: str = "/",
    ) -> None:
        """Gives the browser a cookie that no script can read."""
        answer.set_cookie(
            name,
            value,
            max_age=seconds,
            path=path,
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )

    def drop(self, answer: Response, name: str, *, path: str = "/") -> None:
        """Takes the cookie away again."""
        answer.delete_cookie(name, path=path, secure=self.secure, httponly=True, samesite="lax")
