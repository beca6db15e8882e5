"""Functions for the runner to run; they do what they are asked for, and note it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any


def note(**what: Any) -> None:
    with Path(os.environ["JOURNAL"]).open("a") as file:
        file.write(json.dumps({"pid": os.getpid(), **what}) + "\n")


def wait_for(path: str) -> None:
    while not Path(path).exists():
        time.sleep(0.01)


def work(event: dict[str, Any], context: Any) -> Any:
    """Does what the event says."""
    note(event=event, request=context.aws_request_id)
    do = event.get("do")
    if do == "raise":
        raise ValueError("as was asked for")
    if do == "die":
        os._exit(7)
    if do == "hang":
        child = subprocess.Popen(["sleep", "60"])
        note(child=child.pid)
        time.sleep(60)
    if do == "wait":
        wait_for(event["path"])
    if do == "large":
        return "x" * (7 * 1024 * 1024)
    return {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "remaining": context.get_remaining_time_in_millis(),
        "name": context.function_name,
        "arn": context.invoked_function_arn,
        "environment": {key: os.environ.get(key) for key in event.get("environment", [])},
    }


def echo(event: dict[str, Any], context: Any) -> Any:
    """Answers with the event, or as the path says."""
    path = event["rawPath"]
    if path == "/raise":
        raise ValueError("no")
    if path == "/hang":
        time.sleep(60)
    if path == "/wait":
        wait_for(event["queryStringParameters"]["path"])
    if path == "/bare":
        return {"plain": "value"}
    if path == "/malformed":
        return {"statusCode": "none"}
    if path == "/binary":
        return {
            "statusCode": 201,
            "headers": {"Content-Type": "image/png", "X-Number": 7},
            "cookies": ["a=1; Path=/", "b=2; HttpOnly"],
            "body": base64.b64encode(base64.b64decode(event["body"])[::-1]).decode(),
            "isBase64Encoded": True,
        }
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(event),
    }


def batch(event: dict[str, Any], context: Any) -> Any:
    """Handles messages: each body says what becomes of it."""
    failures = []
    records = event["Records"]
    for record in records:
        do = record["body"].split(" ")[0]
        count = int(record["attributes"]["ApproximateReceiveCount"])
        note(body=record["body"], count=count, batch=len(records), at=time.time(), record=record)
    for record in records:
        do = record["body"].split(" ")[0]
        count = int(record["attributes"]["ApproximateReceiveCount"])
        if do == "raise":
            raise ValueError("no")
        if do == "hang-once" and count == 1:
            time.sleep(60)
        if do == "wait":
            wait_for(record["body"].split(" ")[1])
        if do == "slow":
            time.sleep(0.3)
        if do == "fail-once" and count == 1:
            failures.append({"itemIdentifier": record["messageId"]})
        if do == "wrong-id-once" and count == 1:
            failures.append({"itemIdentifier": "of nobody"})
    return {"batchItemFailures": failures}
