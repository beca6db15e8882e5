"""The web app: the same under uvicorn on any host and as a Lambda."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from cplus.aws import QueueUnanswered
from cplus.bootstrap import Parts
from cplus.errors import (
    ContentionTooHigh,
    FormOfAnother,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    StreamConflict,
    TooManyTries,
)
from cplus.web.api import routes as api
from cplus.web.console import dead
from cplus.web.console import routes as console
from cplus.web.console.signed_in import OperatorNeeded, known_operator
from cplus.web.embedded import answers, window
from cplus.web.kit.deep_links import console_sign_in
from cplus.web.kit.deps import AnswersDep, PagesDep, furnish, pages_of, signatures_of
from cplus.web.kit.forms import FormOfOtherShop
from cplus.web.kit.guard import Guard
from cplus.web.kit.i18n import Speaking, translated
from cplus.web.kit.i18n import gettext as _
from cplus.web.kit.id_tokens import TokenNeeded, is_document, is_fetch
from cplus.web.kit.signed_in import (
    GONE,
    OTHER,
    NotGranted,
    SignInNeeded,
    known_merchant,
    see_other,
)
from cplus.web.merchant import (
    account,
    getting_started,
    installable,
    metrics,
    scopes,
    search,
    sign_in,
)
from cplus.web.merchant.conversations import (
    beginning,
    drafting,
    failed,
    files,
    handling,
    history,
    merging,
    moving,
    noting,
    page,
    replying,
    spam,
    uploading,
    whole_message,
)
from cplus.web.merchant.customers import customers, exporting, person, segments, tagging
from cplus.web.merchant.customers import merging as merging_persons
from cplus.web.merchant.inbox import automatic_mail, bulk, drafts, inbox, keys, quarantine
from cplus.web.merchant.privacy import erasing, erasures, exports, privacy
from cplus.web.merchant.settings import (
    language,
    leads,
    notifications,
    saved_replies,
    tags,
    team,
)
from cplus.web.merchant.settings import page as mail_settings
from cplus.wording import worded

_FAULTS: Final[dict[int, tuple[str, str]]] = {
    400: (worded("That didn’t work"), worded("That link or form isn’t valid.")),
    403: (worded("Not allowed"), worded("You don’t have access to this.")),
    404: (
        worded("Not found"),
        worded("This page doesn’t exist, or this shop has no access to it."),
    ),
    405: (worded("Not possible"), worded("This page doesn’t support that.")),
    409: (
        worded("Nothing changed"),
        worded("This form belongs to another conversation. Open this conversation and try again."),
    ),
    429: (
        worded("Too many tries"),
        worded("A wrong operator token was given too often. Wait 15 minutes and try again."),
    ),
    413: (worded("Too large"), worded("This is larger than the app accepts.")),
    500: (
        worded("Something went wrong"),
        worded("This is our fault, and it has been logged. What you saved before is still saved."),
    ),
    503: (
        worded("Couldn’t confirm"),
        worded("We couldn’t confirm that this was saved. Go back and try again."),
    ),
    502: (
        worded("Shopify didn’t respond"),
        worded("Shopify didn’t respond as expected. Try again in a minute."),
    ),
}

_CONSOLE_FAULTS: Final[dict[int, tuple[str, str]]] = {
    404: ("Not found", "This page doesn’t exist."),
    502: ("The queues didn’t answer", "Try again in a minute."),
}


def create_app(parts: Parts) -> FastAPI:
    """The app on these parts. Nothing connects before the first request."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    furnish(app, parts)
    mail = (
        spam,
        merging,
        moving,
        quarantine,
        failed,
        whole_message,
        files,
        uploading,
        drafting,
        drafts,
        automatic_mail,
    )
    merchant = (
        *(inbox, getting_started, beginning, page, replying, noting, history, *mail),
        *(segments, exporting, customers, tagging, person, merging_persons),
        *(privacy, exports, erasing, erasures, metrics, account),
        *(search, mail_settings, language, leads, notifications, scopes, sign_in),
        *(bulk, keys, handling, tags, team, saved_replies, installable),
    )
    for module in (*merchant, window, console, dead, api):
        app.include_router(module.router)
    app.add_api_route("/static/{name}", _static, include_in_schema=False)
    app.add_api_route("/healthz", _health, include_in_schema=False)
    app.add_exception_handler(SignInNeeded, _sign_in_needed)
    app.add_exception_handler(TokenNeeded, answers.token_needed)
    app.add_exception_handler(NotGranted, answers.not_granted)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(InvalidInput, _malformed)
    app.add_exception_handler(FormOfAnother, _of_another)
    app.add_exception_handler(FormOfOtherShop, _of_other_shop)
    app.add_exception_handler(TooManyTries, _too_many)
    app.add_exception_handler(NotFound, _missing)
    app.add_exception_handler(QueueUnanswered, _no_queue)
    app.add_exception_handler(OperatorNeeded, _operator_needed)
    for unsure in (OutcomeUnknown, StreamConflict, ContentionTooHigh):
        app.add_exception_handler(unsure, _unsure)
    app.add_middleware(Guard, secure=app.state.cookies.secure, fault=_fault)
    app.add_middleware(Speaking, cookies=app.state.cookies)
    return app


async def _static(pages: PagesDep, name: str) -> Response:
    found = pages.static(name)
    if found is None:
        raise HTTPException(404)
    return found


async def _health(answers: AnswersDep) -> Response:
    await answers()
    return JSONResponse({"ok": True})


async def _sign_in_needed(request: Request, needed: Exception) -> Response:
    assert isinstance(needed, SignInNeeded)  # noqa: S101  Starlette's type is the base
    if request.url.path.startswith("/api/") or is_fetch(request):
        headers = {"WWW-Authenticate": "Bearer"}
        error = translated(
            {"gone": GONE, "other": OTHER}.get(needed.note, worded("Sign in first."))
        )
        told = {"error": error, **({"note": needed.note} if needed.note else {})}
        return JSONResponse(told, 401, headers=headers)
    if is_document(request):
        return await answers.bounced(request, needed.shop)
    return await sign_in.needed(request, needed)


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    # The framework's own words ("Not Found") are replaced by ours.
    own = isinstance(error, HTTPException) and str(error.detail)[-1:] in {".", "!"}
    return await _fault(request, status, str(getattr(error, "detail", "")) if own else "")


async def _malformed(request: Request, error: Exception) -> Response:
    return await _fault(request, 400, _what_was_wrong(error))


def _what_was_wrong(error: Exception) -> str:
    """What cannot be used of what came in, in words that tell nothing of the insides."""
    if isinstance(error, RequestValidationError):
        names = dict.fromkeys(f"“{one['loc'][-1]}”" for one in error.errors())
        return _(
            "This address isn’t valid: it has a wrong value for %(names)s.", names=", ".join(names)
        )
    reason = error.values.get("reason") if type(error) is InvalidInput else None
    return _("This address isn’t valid: %(reason)s.", reason=reason) if reason else ""


async def _of_another(request: Request, _error: Exception) -> Response:
    return await _fault(request, 409)


async def _of_other_shop(request: Request, error: Exception) -> Response:
    assert isinstance(error, FormOfOtherShop)  # noqa: S101  Starlette's type is the base
    return await sign_in.other_shop(request, error.shop)


async def _too_many(request: Request, _error: Exception) -> Response:
    return await _fault(request, 429)


async def _missing(request: Request, _error: Exception) -> Response:
    return await _fault(request, 404)


async def _operator_needed(request: Request, _error: Exception) -> Response:
    return see_other(console_sign_in(request))


async def _no_queue(request: Request, error: Exception) -> Response:
    # Only operators come here.
    return await _fault(request, 502, str(error))


async def _unsure(request: Request, _error: Exception) -> Response:
    return await _fault(request, 503)


async def _fault(request: Request, status: int, reason: str = "") -> Response:
    heading, usual = _FAULTS.get(status, _FAULTS[400 if status < 500 else 500])
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": reason or translated(usual)}, status)
    pages = await pages_of(request)
    in_console = request.url.path.startswith("/console")
    # With the navigation, so that whoever is signed in goes on from here.
    operator = await known_operator(request, ask=status < 500) if in_console else None
    csrf = (await signatures_of(request)).form_token(operator) if operator else ""
    if in_console:
        heading, usual = _CONSOLE_FAULTS.get(status, (heading, usual))
    me = await known_merchant(request, ask=status < 500)
    return pages.render(
        "error.html",
        frame=me.frame if me else await answers.frame_of(request),
        operator=operator.actor.shown if operator else "",
        csrf=csrf,
        me=me,
        section="",
        status=status,
        code=status,
        heading=heading,
        reason=reason or usual,
        way_out="/console" if in_console else "/inbox",
        way_out_label="Back to the console" if in_console else _("Back to the inbox"),
    )
