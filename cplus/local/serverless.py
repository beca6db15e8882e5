"""Reads serverless.yml and the foundation, for the local stack."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import Any

from cplus.errors import NotUnderstood
from cplus.local.application import Application, EventSource, FunctionSpec, Route, Schedule
from cplus.local.intrinsics import Names, load
from cplus.local.templates import Resources, only, read_resources
from cplus.local.variables import Variables

__all__ = ["interpret", "read"]

_TOP = {
    "service",
    "configValidationMode",
    "plugins",
    "params",
    "provider",
    "package",
    "functions",
    "resources",
}
_PROVIDER = {
    "name",
    "runtime",
    "architecture",
    "region",
    "stage",
    "memorySize",
    "timeout",
    "logRetentionInDays",
    "httpApi",
    "environment",
    "iam",
    "tags",
    "versionFunctions",
}
_FUNCTION = {
    "description",
    "environment",
    "events",
    "handler",
    "maximumEventAge",
    "maximumRetryAttempts",
    "memorySize",
    "name",
    "reservedConcurrency",
    "role",
    "timeout",
}
_SQS = {
    "arn",
    "batchSize",
    "enabled",
    "functionResponseType",
    "maximumBatchingWindow",
    "maximumConcurrency",
}
_RATE = re.compile(r"^rate\((\d+) (minute|hour|day)s?\)$")
_DAILY = re.compile(r"^cron\(([0-5]?\d) (1?\d|2[0-3]) \* \* \? \*\)$")  # minute and hour, UTC
_SECONDS = {"minute": 60.0, "hour": 3600.0, "day": 86400.0}
_PATH = re.compile(r"^(?:\*|[A-Z]+) /\S*$")


def read(
    serverless: Path,
    foundation: Path,
    *,
    stage: str = "local",
    account: str,
    region: str,
    env: Mapping[str, str],
    endpoint: str,
    mail_domain: str = "mail.cplus.example",
) -> Application:
    """The application in the two files, with all names and variables resolved.

    `endpoint` is the address of the local AWS, with which queue URLs begin; `env` resolves
    `${env:X}`. Values that only CloudFormation can resolve (`{{resolve:…}}`) stay unchanged. Raises
    NotUnderstood, with the place, for anything that the local stack does not support.
    """
    document = load(serverless)
    resolved = Variables(document, stage, env).resolve(document)
    names = Names(account, region, refs={"Stage": stage, "MailDomain": mail_domain})
    return interpret(
        resolved, load(foundation), names, stage=stage, endpoint=endpoint, root=serverless.parent
    )


def interpret(
    document: Mapping[str, Any],
    foundation: Mapping[str, Any],
    names: Names,
    *,
    stage: str,
    endpoint: str,
    root: Path,
) -> Application:
    """The application of a serverless.yml with resolved variables, and of the foundation.

    `names.refs` has the foundation's parameters.
    """
    only(document, _TOP, "serverless.yml")
    only(document["provider"], _PROVIDER, "provider")
    for parameter in foundation.get("Parameters") or {}:
        names.ref(parameter, "foundation.Parameters")
    base = read_resources(
        foundation["Resources"], names, endpoint=endpoint, place="foundation.Resources"
    )
    exports = _exports(foundation, base.names)
    template = document.get("resources") or {}
    only(template, {"Resources", "Outputs", "extensions"}, "resources")
    own = read_resources(
        template.get("Resources") or {},
        Names(names.account, names.region, imports=exports),
        endpoint=endpoint,
        place="resources.Resources",
    )
    functions = {
        key: _function(key, function, document, own, stage)
        for key, function in document["functions"].items()
    }
    return Application(
        service=document["service"],
        stage=stage,
        account=names.account,
        region=names.region,
        root=root,
        functions=functions,
        queues=base.queues + own.queues,
        topics=base.topics + own.topics,
        subscriptions=base.subscriptions + own.subscriptions,
        buckets=base.buckets + own.buckets,
        kms_aliases=base.kms_aliases + own.kms_aliases,
        exports=exports,
        passed_over={**base.passed_over, **own.passed_over},
    )


def _exports(foundation: Mapping[str, Any], names: Names) -> dict[str, str]:
    exports = {}
    for key, output in (foundation.get("Outputs") or {}).items():
        place = f"foundation.Outputs.{key}"
        if "Export" in output:
            name = names.resolve(output["Export"]["Name"], f"{place}.Export.Name")
            exports[name] = str(names.resolve(output["Value"], f"{place}.Value"))
    return exports


def _function(
    key: str,
    function: Mapping[str, Any],
    document: Mapping[str, Any],
    resources: Resources,
    stage: str,
) -> FunctionSpec:
    place, provider = f"functions.{key}", document["provider"]
    only(function, _FUNCTION, place)
    environment = {
        **_environment(provider.get("environment"), resources.names, "provider.environment"),
        **_environment(function.get("environment"), resources.names, f"{place}.environment"),
    }
    routes: list[Route] = []
    sources: list[EventSource] = []
    schedules: list[Schedule] = []
    for i, event in enumerate(function.get("events") or []):
        ((kind, value),) = event.items()
        here = f"{place}.events[{i}].{kind}"
        if kind == "httpApi":
            routes.append(_route(value, here))
        elif kind == "sqs":
            sources += _event_source(value, resources, here)
        elif kind == "schedule":
            schedules += _schedules(value, resources.names, here)
        else:
            raise NotUnderstood(place=here, what=f"the event {kind!r}")
    reserved = function.get("reservedConcurrency")
    return FunctionSpec(
        name=key,
        lambda_name=function.get("name") or f"{document['service']}-{stage}-{key}",
        handler=function["handler"],
        # The framework's own defaults: 6 seconds, 1024 MB.
        timeout=float(function.get("timeout", provider.get("timeout", 6))),
        memory=int(function.get("memorySize", provider.get("memorySize", 1024))),
        environment=environment,
        routes=tuple(routes),
        event_sources=tuple(sources),
        schedules=tuple(schedules),
        reserved_concurrency=None if reserved is None else int(reserved),
    )


def _environment(environment: Mapping[str, Any] | None, names: Names, place: str) -> dict[str, str]:
    found = {}
    for key, declared in (environment or {}).items():
        value = names.resolve(declared, f"{place}.{key}")
        if isinstance(value, dict | list):
            raise NotUnderstood(place=f"{place}.{key}", what="a value that is not a string")
        if value is not None:
            found[key] = str(value).lower() if isinstance(value, bool) else str(value)
    return found


def _route(value: Any, place: str) -> Route:
    if isinstance(value, dict):
        only(value, {"method", "path"}, place)
        value = f"{str(value.get('method', '*')).upper()} {value.get('path')}"
    if value == "*":
        return Route("$default")
    if not isinstance(value, str) or not _PATH.match(value):
        raise NotUnderstood(place=place, what=f"the route {value!r}")
    return Route(f"ANY{value[1:]}" if value.startswith("*") else value)


def _event_source(value: Any, resources: Resources, place: str) -> list[EventSource]:
    value = value if isinstance(value, dict) and "arn" in value else {"arn": value}
    only(value, _SQS, place)
    arn = resources.names.resolve(value["arn"], f"{place}.arn")
    queue = next((queue for queue in resources.queues if queue.arn == arn), None)
    if queue is None:
        raise NotUnderstood(place=f"{place}.arn", what=f"{arn!r}, no queue of this file,")
    response = value.get("functionResponseType")
    if response not in (None, "ReportBatchItemFailures"):
        raise NotUnderstood(place=f"{place}.functionResponseType", what=f"{response!r}")
    if not value.get("enabled", True):
        return []
    most = value.get("maximumConcurrency")
    return [
        EventSource(
            queue=queue.name,
            queue_arn=arn,
            batch_size=int(value.get("batchSize", 10)),
            batching_window=float(value.get("maximumBatchingWindow", 0)),
            maximum_concurrency=None if most is None else int(most),
            partial_failures=response is not None,
        )
    ]


def _schedules(value: Any, names: Names, place: str) -> list[Schedule]:
    value = value if isinstance(value, dict) else {"rate": value}
    only(value, {"rate", "input", "enabled", "name", "description"}, place)
    if not value.get("enabled", True):
        return []
    rates = value["rate"] if isinstance(value["rate"], list) else [value["rate"]]
    found = []
    for rate in rates:
        given = names.resolve(value.get("input"), f"{place}.input")
        if match := _RATE.match(str(rate)):
            found.append(Schedule(rate, int(match[1]) * _SECONDS[match[2]], given))
        elif match := _DAILY.match(str(rate)):
            at = time(int(match[2]), int(match[1]))
            found.append(Schedule(rate, _SECONDS["day"], given, at))
        else:
            raise NotUnderstood(place=f"{place}.rate", what=f"{rate!r}")
    return found
