"""Apps that one test uses after another.

To make one takes longer than most tests do: the framework looks at the signature of each page. All
that an app knows of a test is in its `state`, which the next test's takes the place of.
"""

from __future__ import annotations

from fastapi import FastAPI
from starlette.datastructures import State

from cplus.bootstrap import Parts
from cplus.web.app import create_app
from cplus.web.kit.deps import furnish

_idle: dict[bool, list[FastAPI]] = {}  # by what else an app keeps: whether it is asked by HTTPS


def taken(parts: Parts) -> FastAPI:
    """An app on these parts."""
    idle = _idle.get(parts.settings.app_url.startswith("https://"))
    if not idle:
        return create_app(parts)
    app = idle.pop()
    app.state = State()
    furnish(app, parts)
    return app


def given_back(app: FastAPI) -> None:
    """Nobody asks the app any more."""
    _idle.setdefault(app.state.cookies.secure, []).append(app)
