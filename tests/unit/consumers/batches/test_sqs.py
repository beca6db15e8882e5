from __future__ import annotations

import re

import pytest

from cplus.consumers.batches.sqs import answer, json_object, records
from cplus.errors import InvalidInput


def _event(*bodies: str) -> dict[str, object]:
    return {
        "Records": [
            {
                "messageId": f"m{index}",
                "body": body,
                "attributes": {"ApproximateReceiveCount": "3", "MessageGroupId": "a"},
                "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:cplus-dev-webhooks",
            }
            for index, body in enumerate(bodies)
        ]
    }


def test_records_keep_their_order_and_tell_their_queue() -> None:
    first, second = records(_event('{"a": 1}', "{}"))
    assert (first.message_id, second.message_id) == ("m0", "m1")
    assert first.json() == {"a": 1}
    assert first.queue == "cplus-dev-webhooks"
    assert first.attributes["MessageGroupId"] == "a"


def test_a_message_may_hold_half_a_character() -> None:
    assert json_object('{"name": "\\ud800", "name": "\\udc00"}') == {"name": "\udc00"}


@pytest.mark.parametrize("body", ["", "no json", "[1]", "7", "[" * 100_000, '"text"', "null"])
def test_a_message_that_is_no_json_object_is_refused_without_showing_it(body: str) -> None:
    [record] = records(_event(body))
    with pytest.raises(InvalidInput) as caught:
        record.json()
    assert re.search(r"the message is not (JSON|a JSON object)", str(caught.value))


def test_the_answer_names_each_failed_message_once() -> None:
    assert answer(["a", "b", "a"]) == {
        "batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "b"}]
    }
    assert answer([]) == {"batchItemFailures": []}
