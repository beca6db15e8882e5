"""Requests and responses in API Gateway's payload format 2.0.

Rules: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

# Content types whose bodies are sent as text; all others are base64, including forms.
_TEXT = re.compile(
    r"^(text/|application/(json|javascript|xml)\b|application/[\w.+-]+\+(json|xml)\b)",
    re.IGNORECASE,
)
_LAST = (2,)  # the rank of $default
_VARIABLE = re.compile(r"^\{(\w+)(\+?)\}$")


class MalformedAnswer(ValueError):
    """The function's answer is not an HTTP response."""


@dataclass(frozen=True)
class Request:
    """An HTTP request; `target` is path and query, still encoded."""

    method: str
    target: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    source_ip: str
    protocol: str = "HTTP/1.1"


@dataclass(frozen=True)
class Response:
    """An HTTP response; a header may occur several times."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True)
class Match:
    """The route of a request, and the values of its path variables."""

    key: str
    parameters: Mapping[str, str]


def match_route(keys: Iterable[str], method: str, path: str) -> Match | None:
    """The most specific of the routes `keys` for a request, or None.

    In API Gateway's order: a path without variables, one with, one with a greedy variable
    (`{proxy+}`), each a named method before ANY, and `$default` last.
    """
    best: tuple[tuple[int, ...], Match] | None = None
    rank: tuple[int, ...]
    parameters: dict[str, str]
    for key in keys:
        if key == "$default":
            rank, parameters = _LAST, {}
        else:
            verb, template = key.split(" ", 1)
            found = _match_path(template, path)
            if verb not in (method, "ANY") or found is None:
                continue
            shape, parameters = found
            rank = (1, *shape, int(verb == "ANY"))
        if best is None or rank < best[0]:
            best = (rank, Match(key, parameters))
    return best[1] if best else None


def _match_path(template: str, path: str) -> tuple[tuple[int, ...], dict[str, str]] | None:
    parts, wanted = path.split("/"), template.split("/")
    parameters: dict[str, str] = {}
    variables = 0
    for i, want in enumerate(wanted):
        variable = _VARIABLE.match(want)
        if variable and variable[2]:
            rest = "/".join(parts[i:])
            return ((1, -i), {**parameters, variable[1]: rest}) if rest else None
        if i >= len(parts) or (variable is None and want != parts[i]):
            return None
        if variable:
            if not parts[i]:
                return None
            parameters[variable[1]] = parts[i]
            variables += 1
    return ((0, variables), parameters) if len(parts) == len(wanted) else None


def to_event(request: Request, match: Match, *, request_id: str, account: str) -> dict[str, Any]:
    """The event that a function gets for a request."""
    path, _, query = request.target.partition("?")
    # An HTTP API passes the path decoded and the query unchanged.
    path = unquote(path)
    headers, cookies = _headers(request)
    now = time.time()
    domain = headers.get("host", "localhost")
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": match.key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": account,
            "apiId": "local",
            "domainName": domain,
            "domainPrefix": domain.split(".")[0].split(":")[0],
            "http": {
                "method": request.method,
                "path": path,
                "protocol": request.protocol,
                "sourceIp": request.source_ip,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": request_id,
            "routeKey": match.key,
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        "isBase64Encoded": False,
    }
    if cookies:
        event["cookies"] = cookies
    if query:
        together: dict[str, str] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            together[name] = f"{together[name]},{value}" if name in together else value
        event["queryStringParameters"] = together
    if match.parameters:
        event["pathParameters"] = dict(match.parameters)
    if request.body:
        event["body"], event["isBase64Encoded"] = _body(
            request.body, headers.get("content-type", ""), "content-encoding" in headers
        )
    return event


def _headers(request: Request) -> tuple[dict[str, str], list[str]]:
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in request.headers:
        key = name.lower()
        if key == "cookie":
            cookies += [cookie.strip() for cookie in value.split(";") if cookie.strip()]
        elif key not in ("x-forwarded-proto", "x-forwarded-port"):
            headers[key] = f"{headers[key]},{value}" if key in headers else value
    before = headers.get("x-forwarded-for")
    headers["x-forwarded-for"] = f"{before}, {request.source_ip}" if before else request.source_ip
    headers["x-forwarded-proto"] = "http"
    host, _, port = headers.get("host", "").rpartition(":")
    headers["x-forwarded-port"] = port if host and port.isdigit() else "80"
    return headers, cookies


def _body(body: bytes, content_type: str, encoded: bool) -> tuple[str, bool]:
    if _TEXT.match(content_type) and not encoded:
        try:
            return body.decode("utf-8"), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode("ascii"), True


def from_answer(payload: bytes) -> Response:
    """The response for a function's result; raises MalformedAnswer.

    A result without `statusCode` is the body of a 200, as JSON.
    """
    try:
        answer = json.loads(payload)
    except ValueError as error:
        raise MalformedAnswer("the answer is not JSON") from error
    if not isinstance(answer, dict) or "statusCode" not in answer:
        body = answer if isinstance(answer, str) else json.dumps(answer)
        return Response(200, (("content-type", "application/json"),), body.encode())
    try:
        status = int(answer["statusCode"])
        body = _plain(answer.get("body"))
        raw = (
            base64.b64decode(body, validate=True)
            if answer.get("isBase64Encoded")
            else body.encode("utf-8")
        )
        headers = [
            (str(name).lower(), _text(value))
            for name, value in (answer.get("headers") or {}).items()
        ]
        cookies = [("set-cookie", str(cookie)) for cookie in answer.get("cookies") or []]
    except (AttributeError, TypeError, ValueError, binascii.Error) as error:
        raise MalformedAnswer("the answer is not an HTTP response") from error
    if not 100 <= status <= 599 or any("\n" in v or "\r" in v for _, v in headers + cookies):
        raise MalformedAnswer("the answer is not an HTTP response")
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", "text/plain;charset=UTF-8"))
    return Response(status, (*headers, *cookies), raw)


def _plain(body: Any) -> str:
    if body is None:
        return ""
    return body if isinstance(body, str) else json.dumps(body)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
