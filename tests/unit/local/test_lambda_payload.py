"""Requests, answers and records have the shapes that AWS documents."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cplus.local.lambdas.payload import MalformedAnswer, Request, from_answer, match_route, to_event
from cplus.local.lambdas.records import WholeBatchFailed, done

ROUTES = [
    "$default",
    "ANY /{proxy+}",
    "GET /shops/{proxy+}",
    "GET /shops/{shop}",
    "GET /shops/{shop}/mail",
    "ANY /shops/new",
    "GET /shops/new",
]


@pytest.mark.parametrize(
    ("method", "path", "key", "parameters"),
    [
        ("GET", "/shops/new", "GET /shops/new", {}),
        ("PUT", "/shops/new", "ANY /shops/new", {}),
        ("GET", "/shops/a", "GET /shops/{shop}", {"shop": "a"}),
        ("GET", "/shops/a/mail", "GET /shops/{shop}/mail", {"shop": "a"}),
        ("GET", "/shops/a/b/c", "GET /shops/{proxy+}", {"proxy": "a/b/c"}),
        ("PUT", "/shops/a", "ANY /{proxy+}", {"proxy": "shops/a"}),
        ("GET", "/", "$default", {}),
    ],
)
def test_the_most_specific_route_wins(
    method: str, path: str, key: str, parameters: dict[str, str]
) -> None:
    match = match_route(ROUTES, method, path)
    assert match
    assert (match.key, match.parameters) == (key, parameters)


def test_no_route_is_no_match() -> None:
    assert match_route(["GET /a", "GET /a/{b}"], "GET", "/b") is None
    assert match_route(["GET /a", "GET /a/{b}"], "GET", "/a/") is None
    assert match_route(["GET /a"], "POST", "/a") is None


def test_a_request_without_query_body_or_cookies_has_no_such_fields() -> None:
    match = match_route(["$default"], "GET", "/")
    assert match
    request = Request(
        "GET", "/", [("Host", "127.0.0.1:81"), ("X-Forwarded-For", "1.2.3.4")], b"", "::1"
    )
    event = to_event(request, match, request_id="r", account="1")
    absent = {"cookies", "body", "queryStringParameters", "pathParameters"}
    assert not absent & set(event)
    assert (event["rawQueryString"], event["isBase64Encoded"]) == ("", False)
    assert event["headers"]["x-forwarded-for"] == "1.2.3.4, ::1"
    assert event["headers"]["x-forwarded-port"] == "81"


@pytest.mark.parametrize(
    ("answer", "body"),
    [({"a": 1}, b'{"a": 1}'), ("text", b"text"), ([1], b"[1]"), (None, b"null")],
)
def test_an_answer_without_a_status_is_the_body_of_a_200(answer: Any, body: bytes) -> None:
    response = from_answer(json.dumps(answer).encode())
    assert (response.status, response.body) == (200, body)
    assert response.headers == (("content-type", "application/json"),)


def test_an_answer_without_a_content_type_is_plain_text() -> None:
    response = from_answer(b'{"statusCode": "204"}')
    assert (response.status, response.body) == (204, b"")
    assert response.headers == (("content-type", "text/plain;charset=UTF-8"),)


@pytest.mark.parametrize(
    "answer",
    [
        b"no JSON",
        b'{"statusCode": "none"}',
        b'{"statusCode": 7}',
        b'{"statusCode": null}',
        b'{"statusCode": 200, "headers": ["a"]}',
        b'{"statusCode": 200, "headers": {"a": "b\\r\\nc: d"}}',
        b'{"statusCode": 200, "cookies": 7}',
        b'{"statusCode": 200, "isBase64Encoded": true, "body": "*"}',
    ],
)
def test_an_answer_that_is_no_response_is_refused(answer: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        from_answer(answer)


RECORDS = [{"messageId": "a"}, {"messageId": "b"}]


@pytest.mark.parametrize("answer", ["null", "{}", '{"batchItemFailures": []}', '""', "[]"])
def test_an_answer_that_names_no_failure_is_a_success(answer: str) -> None:
    assert done(RECORDS, answer.encode()) == RECORDS


def test_only_named_messages_have_failed() -> None:
    answer = b'{"batchItemFailures": [{"itemIdentifier": "a"}]}'
    assert done(RECORDS, answer) == [{"messageId": "b"}]


@pytest.mark.parametrize(
    "answer",
    [
        "no JSON",
        '{"batchItemFailures": [{"itemIdentifier": ""}]}',
        '{"batchItemFailures": [{"itemIdentifier": null}]}',
        '{"batchItemFailures": [{"id": "a"}]}',
        '{"batchItemFailures": ["a"]}',
        '{"batchItemFailures": "a"}',
        '{"batchItemFailures": 7}',
        '{"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "c"}]}',
    ],
)
def test_an_answer_that_cannot_be_trusted_fails_the_whole_batch(answer: str) -> None:
    with pytest.raises(WholeBatchFailed):
        done(RECORDS, answer.encode())
