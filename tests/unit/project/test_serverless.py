"""What serverless.yml promises, read from the template that osls makes of it to deploy."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grimp
import pytest

from cplus.aws import SEALED_FOLDER, UPLOADS_FOLDER
from cplus.aws.identities import TAG
from cplus.commands.conversations.uploading import LIFE
from cplus.consumers.batches.one_by_one import LONGER
from cplus.consumers.imports.reconciling import LOST
from cplus.consumers.mail.arrived import INCOMING
from cplus.consumers.reactions.registry import REACTIONS
from cplus.consumers.scheduled.daily import write_anchored
from cplus.consumers.scheduled.registry import HANDLERS
from cplus.consumers.scheduled.sweep import write_lag
from cplus.consumers.webhooks.deliveries import TRIES
from cplus.local.aws.email.inbound import Receipt
from cplus.local.intrinsics import load
from cplus.local.serverless import read
from cplus.privacy.token_tries import MOST, WINDOW
from cplus.projections.lag.sums import Worst
from cplus.settings import Settings
from tests.conftest import ROOT

pytestmark = pytest.mark.node

SOURCE = load(ROOT / "serverless.yml")
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
FOUNDATION = ROOT / "infra" / "foundation.yml"
STAGES = [stage for stage in SOURCE["params"] if stage != "default"]

# Per node, Atlas M10, the smallest cluster that may serve production:
# https://www.mongodb.com/docs/atlas/reference/atlas-limits/#connection-limits
CONNECTION_LIMIT = 1_500
# PyMongo keeps two connections more to each node, to watch it (heartbeat and round trip time):
# https://github.com/mongodb/specifications, server-discovery-and-monitoring/server-monitoring
MONITORS = 2
# While a version replaces another, the environments of both hold their connections.
VERSIONS = 2
WITHOUT_MONGO = {"edge"}  # the import law of pyproject.toml keeps it so, and it has no address

# A message is received at least so often before it is a dead letter, as AWS advises:
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
RECEIVES = 5
# Of an account's concurrency, 1,000 unless raised or new, so much cannot be reserved:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
UNRESERVED = 100

# osls says with DependsOn what a Ref says already; harmless, and not ours to change.
LINT_EXCEPTIONS = {("W3005", r"HttpApiRoute\w+|\w+LambdaFunction")}


@dataclass(frozen=True)
class Template:
    """What would be deployed as one stage."""

    path: Path
    resources: dict[str, dict[str, Any]]

    def of_type(self, type_: str) -> dict[str, dict[str, Any]]:
        """The properties of every resource of a type, by logical id."""
        return {
            name: resource["Properties"]
            for name, resource in self.resources.items()
            if resource["Type"] == type_
        }

    def functions(self) -> dict[str, dict[str, Any]]:
        """The properties of every function, by its name in serverless.yml."""
        found = self.of_type("AWS::Lambda::Function")
        prefix = re.compile(rf"^{SOURCE['service']}-({'|'.join(STAGES)})-")
        return {prefix.sub("", value["FunctionName"]): value for value in found.values()}

    def sources(self) -> Iterator[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]]:
        """Each function's name, its properties, its event source, and the queue behind that."""
        ids = {
            logical: value["FunctionName"].split("-", 3)[3]
            for logical, value in self.of_type("AWS::Lambda::Function").items()
        }
        for source in self.of_type("AWS::Lambda::EventSourceMapping").values():
            name = ids[source["FunctionName"]["Fn::GetAtt"][0]]
            queue = self.resources[source["EventSourceArn"]["Fn::GetAtt"][0]]["Properties"]
            yield name, self.functions()[name], source, queue


def _package(stage: str, directory: Path, environment: dict[str, str]) -> Template:
    # osls works in the folder `.serverless` beside the file: each stage gets a folder of its own.
    service, made = directory / "service", directory / "package"  # osls empties the second
    service.mkdir()
    shutil.copy(ROOT / "serverless.yml", service)
    done = subprocess.run(
        [ROOT / "node_modules/.bin/osls", "package", "--stage", stage, "--package", made],
        cwd=service,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"osls refuses stage {stage}:\n{done.stdout}{done.stderr}"
    path = made / "cloudformation-template-update-stack.json"
    return Template(path, json.loads(path.read_text("utf-8"))["Resources"])


@pytest.fixture(scope="session")
def templates(
    tmp_path_factory: pytest.TempPathFactory, node_environment: dict[str, str]
) -> dict[str, Template]:
    folders = {stage: tmp_path_factory.mktemp(f"package-{stage}") for stage in STAGES}
    archive = tmp_path_factory.mktemp("zip") / "functions.zip"
    with zipfile.ZipFile(archive, "w") as empty:  # what is in it does not show in a template
        empty.writestr("empty", "")
    environment = {**node_environment, "CPLUS_LAMBDA_ZIP": str(archive)}
    with ThreadPoolExecutor(2) as pool:
        made = pool.map(lambda item: _package(item[0], item[1], environment), folders.items())
        return dict(zip(STAGES, made, strict=True))


@pytest.fixture(params=STAGES)
def template(request: pytest.FixtureRequest, templates: dict[str, Template]) -> Template:
    return templates[request.param]


def test_every_queue_hides_a_message_six_times_as_long_as_its_function_may_run(
    template: Template,
) -> None:
    seen = {}
    for name, function, _, queue in template.sources():
        seen[name] = queue["VisibilityTimeout"] / function["Timeout"]
    assert seen, "no function reads a queue"
    assert seen == dict.fromkeys(seen, 6)


def test_the_last_receive_of_a_message_comes_after_all_that_is_counted_in_receives(
    template: Template,
) -> None:
    most = {
        queue["QueueName"].rpartition("-")[2]: queue["RedrivePolicy"]["maxReceiveCount"]
        for _, _, _, queue in template.sources()
    }
    # What waits for an answer of Shopify is recorded while one receive is left, should that fail.
    assert most["webhooks"] == TRIES + 1
    # A message that may end its process is hidden until the others have had each receive left.
    assert most == dict.fromkeys(most, LONGER + 1)


def test_no_message_is_received_that_its_function_cannot_be_started_for(
    template: Template,
) -> None:
    # What a poller takes and Lambda throttles counts as received: a good message would become a
    # dead letter. Reserved, and not only limited: the share of the account is its own.
    most: dict[str, int] = {}
    for name, _, source, queue in template.sources():
        assert queue["RedrivePolicy"]["maxReceiveCount"] >= RECEIVES, name
        most[name] = most.get(name, 0) + source["ScalingConfig"]["MaximumConcurrency"]
    assert most, "no function reads a queue"
    functions = template.functions()
    reserved = {name: functions[name].get("ReservedConcurrentExecutions", 0) for name in most}
    assert {
        name: (most[name], reserved[name]) for name in most if most[name] > reserved[name]
    } == {}


def test_the_page_says_how_much_concurrency_an_account_needs(template: Template) -> None:
    functions = template.functions().values()
    reserved = sum(function.get("ReservedConcurrentExecutions", 0) for function in functions)
    page = (ROOT / "docs" / "deploy.md").read_text("utf-8")
    assert f"reserves {reserved} of the account's concurrency" in page
    assert f"at least {reserved + UNRESERVED}" in page


def test_the_clock_calls_as_the_local_stack_reads_it(template: Template) -> None:
    rules = template.of_type("AWS::Events::Rule").values()
    application = read(
        ROOT / "serverless.yml",
        FOUNDATION,
        account="123456789012",
        region="us-east-1",
        env={},
        endpoint="http://127.0.0.1:4566",
    )
    ours = [one.rate for spec in application.functions.values() for one in spec.schedules]
    assert sorted(rule["ScheduleExpression"] for rule in rules) == sorted(ours)
    assert "cron(30 23 * * ? *)" in ours, "a day has its hour, however often it is deployed"


def test_every_function_that_reads_a_queue_reports_the_messages_that_failed(
    template: Template,
) -> None:
    for name, _, source, _ in template.sources():
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"], name


def test_every_queue_has_a_dead_letter_queue_and_that_has_an_alarm_that_tells_somebody(
    template: Template,
) -> None:
    queues = template.of_type("AWS::SQS::Queue")
    dead = {
        queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        for queue in queues.values()
        if "RedrivePolicy" in queue
    }
    without = [name for name, queue in queues.items() if "RedrivePolicy" not in queue]
    assert sorted(without) == sorted(dead)
    alarmed = {
        alarm["Dimensions"][0]["Value"]["Fn::GetAtt"][0]
        for alarm in template.of_type("AWS::CloudWatch::Alarm").values()
        if alarm["AlarmActions"] and alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible"
    }
    assert alarmed == dead


def test_reactions_are_woken_by_the_families_that_they_handle_and_read_models_by_all(
    template: Template,
) -> None:
    filters = {
        name: (one.get("FilterPolicyScope"), one.get("FilterPolicy"))
        for name, one in template.of_type("AWS::SNS::Subscription").items()
        if one["TopicArn"] == {"Ref": "NudgesTopic"}
    }
    handled = sorted({event.FAMILY for one in REACTIONS for event in one.handles})
    react = filters.pop("ReactSubscription")
    assert react == ("MessageAttributes", {"families": handled})
    assert len(filters) == 3
    assert set(filters.values()) == {(None, None)}, "their lag is counted by their checkpoints"


def test_every_function_that_runs_reactions_has_what_they_need(template: Template) -> None:
    files = {
        path.stem for path in (ROOT / "lambdas").glob("*.py") if "REACTIONS" in path.read_text()
    }
    assert files == {"react", "sweep"}
    queues = template.of_type("AWS::SQS::Queue")
    for file in files:
        function = template.functions()[file.replace("_", "-")]
        may, held = _rights(template, function), function["Environment"]["Variables"]
        for reaction, name in [(one.name, name) for one in REACTIONS for name in one.needs]:
            what = f"{reaction} needs {name}: give it to {file} in serverless.yml"
            value = held.get(f"CPLUS_{name.upper()}")
            assert value, what
            called, _, kind = name.rpartition("_")
            if kind == "queue":
                # The local stack gives it to commands by the end of its name.
                assert queues[value["Ref"]]["QueueName"].endswith(f"-{called.replace('_', '-')}")
                assert f'"{value["Ref"]}"' in may["sqs:SendMessage"], f"{what}, with the right"
            elif kind == "topic":
                assert f'"{value["Ref"]}"' in may["sns:Publish"], f"{what}, with the right"


def test_lag_has_an_alarm_on_what_the_sweep_measures_which_rings_where_it_measures_nothing(
    templates: dict[str, Template], capsys: pytest.CaptureFixture[str]
) -> None:
    stages = {stage: made.of_type("AWS::CloudWatch::Alarm") for stage, made in templates.items()}
    write_lag(Worst("orders", 1, 2, 3.5, 4.5, 6), "Try", NOW)
    written = metrics(capsys)
    for stage, alarms in stages.items():
        alarm = alarms["LagAlarm"]
        assert alarm["Namespace"] == f"ConversationsPlus/{stage}"
        assert "Dimensions" not in alarm  # the worst of all projections
        assert written[alarm["MetricName"]] == 3.5
        assert (alarm["Statistic"], alarm["TreatMissingData"]) == ("Maximum", "breaching")
        assert alarm["AlarmActions"]


def metrics(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    """What the line that was printed tells CloudWatch, of the metrics without a dimension."""
    line = json.loads(capsys.readouterr().out)
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert [] in directive["Dimensions"]
    return {metric["Name"]: line[metric["Name"]] for metric in directive["Metrics"]}


def test_where_silence_loses_data_an_alarm_rings_and_a_person_is_told(
    templates: dict[str, Template], capsys: pytest.CaptureFixture[str]
) -> None:
    for stage, template in templates.items():
        seen = {}
        for alarm in template.of_type("AWS::CloudWatch::Alarm").values():
            assert alarm["AlarmActions"] == [{"Ref": "AlarmsTopic"}]
            if "Metrics" in alarm:
                continue  # of an expression
            [dimension] = alarm.get("Dimensions") or [{"Value": alarm["Namespace"]}]
            value = dimension["Value"]
            of = value if isinstance(value, str) else (value.get("Ref") or value["Fn::GetAtt"][0])
            assert of in template.resources or of == f"ConversationsPlus/{stage}", alarm
            seen[of, alarm["MetricName"]] = alarm["TreatMissingData"]
        ages = {queue for queue, metric in seen if metric == "ApproximateAgeOfOldestMessage"}
        assert ages == {
            f"{one}Queue"
            for one in ("Webhooks", "Mail", "MailEvents", "Send", "Import", "Erasures")
        }
        failing = {
            (one, metric) for one, metric in seen if metric in ("Errors", "Throttles", "5xx")
        }
        assert failing == {
            *((f"{one}LambdaFunction", "Errors") for one in ("Edge", "Web", "Daily")),
            *((f"{one}LambdaFunction", "Throttles") for one in ("Edge", "Web")),
            ("HttpApi", "5xx"),
        }
        assert seen[f"ConversationsPlus/{stage}", "DayAnchored"] == "breaching"
        person = template.resources["AlarmsSubscription"]["Properties"]
        assert person["TopicArn"] == {"Ref": "AlarmsTopic"}
        assert person["Endpoint"].startswith("{{resolve:secretsmanager:")
    write_anchored("Try", NOW)
    assert metrics(capsys) == {"DayAnchored": 1}


def test_an_alarm_is_raised_once_somebody_has_used_up_the_tries_of_the_operator_token() -> None:
    resources = SOURCE["resources"]["Resources"]
    counted, alarm = (
        resources[name]["Properties"] for name in ("ConsoleRefusedFilter", "ConsoleRefusedAlarm")
    )
    assert counted["LogGroupName"] == {"Ref": "WebLogGroup"}
    # The line of whoever checks the token; tests/integration/commands/test_sessions.py holds it.
    assert counted["FilterPattern"] == '{ $.event = "console_sign_in_refused" }'
    [metric] = counted["MetricTransformations"]
    told = (metric["MetricNamespace"], metric["MetricName"])
    assert (alarm["Namespace"], alarm["MetricName"]) == told
    assert alarm["Period"] == WINDOW.total_seconds()
    assert alarm["Threshold"] + 1 == MOST


def test_an_alarm_is_raised_when_shopify_refuses_the_address_of_whichever_function_may_call_it(
    template: Template,
) -> None:
    # Imports inside functions count: whoever has the parts can call Shopify, by whichever name.
    graph = grimp.build_graph("cplus", "lambdas", cache_dir=None)
    asking = {
        name.replace("-", "_")
        for name in SOURCE["functions"]
        if graph.chain_exists(f"lambdas.{name.replace('-', '_')}", "cplus.shopify.admin")
    }
    assert {"outbound_email", "web"} <= asking
    assert "edge" not in asking
    body = json.loads(template.resources["AddressRefusedRule"]["Properties"]["RuleBody"])
    [prefix] = body["LogGroupNames"]
    groups = [
        one["LogGroupName"].replace("-", "_")
        for one in template.of_type("AWS::Logs::LogGroup").values()
        if one["LogGroupName"].startswith(prefix.removesuffix("*"))
    ]
    assert [one for one in asking if not any(group.endswith(one) for group in groups)] == []
    # tests/contracts/local_shopify/test_admin_api.py holds the line.
    counted = {"Match": "$.event", "In": ["shopify_address_refused"]}
    assert body["Contribution"] == {"Keys": ["$.shop"], "Filters": [counted]}
    assert (body["LogFormat"], body["AggregateOn"]) == ("JSON", "Count")


def test_shops_ring_the_alarm_of_our_address_and_not_the_tries_for_one_of_them(
    templates: dict[str, Template],
) -> None:
    for stage, template in templates.items():
        rule = template.resources["AddressRefusedRule"]["Properties"]
        alarm = template.resources["AddressRefusedAlarm"]["Properties"]
        [metric] = alarm["Metrics"]
        shops = f"INSIGHT_RULE_METRIC('{rule['RuleName']}', 'UniqueContributors')"
        assert (metric["Expression"], rule["RuleState"]) == (shops, "ENABLED")
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert alarm["Threshold"] == {"dev": 1}.get(stage, 3)


def test_lost_webhooks_ring_an_alarm_and_a_day_without_any_is_silent() -> None:
    alarm = SOURCE["resources"]["Resources"]["WebhooksLostAlarm"]["Properties"]
    assert alarm["MetricName"] == LOST
    assert alarm["Namespace"] == "ConversationsPlus/${sls:stage}"
    assert (alarm["Statistic"], alarm["TreatMissingData"]) == ("Sum", "notBreaching")


def test_the_runbook_has_every_alarm() -> None:
    page = (ROOT / "docs" / "runbook.md").read_text("utf-8")
    names = {
        resource["Properties"]["AlarmName"].replace("cplus-${sls:stage}-", "")
        for resource in SOURCE["resources"]["Resources"].values()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }
    told = {name for name in names if not name.endswith("-dead")}
    assert [name for name in sorted(told) if f"`cplus-<stage>-{name}`" not in page] == []


def _rights(template: Template, function: dict[str, Any]) -> dict[str, str]:
    """What a function may do, as text, by action."""
    return _role_rights(template.resources[function["Role"]["Fn::GetAtt"][0]]["Properties"])


def _role_rights(role: dict[str, Any]) -> dict[str, str]:
    """What a role allows, as text, by action."""
    found: dict[str, str] = {}
    for policy in role["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            for action in statement["Action"]:
                found[action] = found.get(action, "") + json.dumps(statement["Resource"])
    return found


def test_daily_alone_may_write_roots_and_what_erases_people_their_ledger(
    template: Template,
) -> None:
    roles = {name: _role_rights(role) for name, role in template.of_type("AWS::IAM::Role").items()}
    assert not [name for name, rights in roles.items() if "*" in rights]
    changing = {
        (name, action, found.removeprefix("/").partition("/")[0])
        for name, rights in roles.items()
        for action, resources in rights.items()
        if action.startswith("s3:") and not action.startswith(("s3:Get", "s3:List"))
        for found in re.findall(
            r"\$\{Bucket\}([^\"]*)\", \{\"Bucket\": [^}]*roots-bucket", resources
        )
    }
    assert changing == {
        ("DailyRole", "s3:PutObject", "roots"),
        ("EraseRole", "s3:PutObject", "erasures"),
    }


def test_what_ses_puts_in_clear_ends_after_every_redrive_of_its_message() -> None:
    declared = load(FOUNDATION)["Resources"]
    [action] = declared["ReceiptRule"]["Properties"]["Rule"]["Actions"]
    assert action["S3Action"]["ObjectKeyPrefix"] == INCOMING == Receipt("", "", "").prefix
    rules = declared["MailBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    ending = {one["Prefix"]: one for one in rules if "ExpirationInDays" in one}
    assert set(ending) == {INCOMING, UPLOADS_FOLDER}, "all else is named by the log"
    rule = ending[INCOMING]
    queue = SOURCE["resources"]["Resources"]["MailQueue"]["Properties"]
    # A redrive begins its time on the queue anew.
    assert rule["ExpirationInDays"] * 86_400 >= 2 * queue["MessageRetentionPeriod"]


def test_pieces_of_files_outlive_the_tokens_that_open_them_and_only_the_web_stores_any(
    template: Template,
) -> None:
    declared = load(FOUNDATION)["Resources"]
    rules = declared["MailBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    [rule] = [one for one in rules if one.get("Prefix") == UPLOADS_FOLDER]
    assert timedelta(days=rule["ExpirationInDays"]) > LIFE
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
    roles = {name: _role_rights(role) for name, role in template.of_type("AWS::IAM::Role").items()}
    storing = {
        name: re.findall(r"\$\{Bucket\}/(\w+/)\*", rights["s3:PutObject"])
        for name, rights in roles.items()
        if "mail-bucket" in rights.get("s3:PutObject", "")
    }
    assert storing["WebRole"] == [SEALED_FOLDER, UPLOADS_FOLDER]
    assert [name for name, found in storing.items() if UPLOADS_FOLDER in found] == ["WebRole"]


def test_what_erases_people_alone_may_delete_what_is_kept(template: Template) -> None:
    roles = {name: _role_rights(role) for name, role in template.of_type("AWS::IAM::Role").items()}
    may = {name for name, rights in roles.items() if any(a.startswith("s3:Del") for a in rights)}
    assert may == {"EraseRole", "IamRoleLambdaExecution"}
    # Who takes mail deletes what SES put in clear, and nothing that is kept.
    taking = roles["IamRoleLambdaExecution"]["s3:DeleteObjectVersion"]
    assert re.findall(r"\$\{Bucket\}/([^\"]*)", taking) == [f"{INCOMING}*"]
    assert re.findall(r"cplus-\w+-(\w+)-bucket", taking) == ["mail"]
    rights = roles["EraseRole"]
    # A version and a delete marker each go by their id: deleting without one only hides them.
    assert {action for action in rights if action.startswith("s3:")} == {
        *("s3:DeleteObjectVersion", "s3:ListBucketVersions"),
        "s3:PutObject",  # the ledger
    }
    for action in ("s3:DeleteObjectVersion", "s3:ListBucketVersions"):
        buckets = re.findall(r"cplus-\w+-(\w+)-bucket", rights[action])
        assert buckets == ["bodies", "mail"]
    users = {
        name for name, function in template.functions().items()
        if function["Role"]["Fn::GetAtt"][0] == "EraseRole"
    }  # fmt: skip
    assert users <= {"erase"}


def test_what_the_internet_reaches_has_no_more_rights_than_it_uses(template: Template) -> None:
    functions = template.functions()
    logs = {"logs:CreateLogStream", "logs:CreateLogGroup", "logs:PutLogEvents"}
    edge, web = (_rights(template, functions[name]) for name in ("edge", "web"))
    assert set(edge) - logs == {"sqs:SendMessage", "s3:PutObject"}
    assert "WebhooksQueue" in edge["sqs:SendMessage"]
    moving = {"sqs:StartMessageMoveTask", "sqs:ListMessageMoveTasks", "sqs:DeleteMessage"}
    looking = {"sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"}
    reading = {"s3:GetObject", "s3:ListBucket", "sqs:ListQueues", "sqs:SendMessage"}
    reading |= {"s3:GetObjectVersion", "s3:ListBucketVersions"}
    writing = {"sns:Publish", "s3:PutObject"}
    assert set(web) - logs == {"kms:Decrypt"} | writing | reading | moving | looking
    # The files of replies, among what is sealed, and those that are on their way.
    assert re.findall(r"cplus-\w+-([\w-]+)", web["s3:PutObject"]) == ["mail-bucket"] * 2
    assert re.findall(r"\$\{Bucket\}/([^\"]*)", web["s3:PutObject"]) == ["sealed/*", "uploads/*"]
    for action in moving | looking:  # of the console, for dead letters alone
        assert re.findall(r"cplus-\w+-([^\"]+)", web[action]) == ["*-dead"]
    # A whole message is read from the raw mail, a certificate from the roots and their ledger.
    for action in ("s3:GetObject", "s3:ListBucket"):
        assert re.findall(r"cplus-\w+-([\w-]+)", web[action]) == ["mail-bucket", "roots-bucket"]
    for action in ("s3:GetObjectVersion", "s3:ListBucketVersions"):
        assert re.findall(r"cplus-\w+-([\w-]+)", web[action]) == ["roots-bucket"]
    for name, rights in (("edge", edge), ("web", web)):
        assert functions[name]["FunctionName"] in rights["logs:PutLogEvents"]
    held = functions["edge"]["Environment"]["Variables"]
    assert not held["CPLUS_MONGO_URI"]
    assert not held["CPLUS_APPLICATION_SECRET"]
    assert not held["CPLUS_KMS_KEY_ID"]


def test_who_makes_tenants_at_ses_touches_those_of_its_stage_alone(template: Template) -> None:
    rights = _rights(template, template.functions()["sweep"])
    associating = rights["ses:CreateTenantResourceAssociation"]
    [stage] = re.findall(r":configuration-set/([^\"]+)", associating)
    for action in ("CreateTenant", "DeleteTenant", "GetTenant", "PutTenantSuppressionAttributes"):
        assert re.findall(r":tenant/([^\"]+)", rights[f"ses:{action}"]) == [f"{stage}-*"]


def test_who_sets_up_domains_of_merchants_touches_what_is_tagged_for_its_stage_alone(
    template: Template,
) -> None:
    role = template.resources[template.functions()["sweep"]["Role"]["Fn::GetAtt"][0]]
    found = {
        action.removeprefix("ses:"): statement.get("Condition")
        for policy in role["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in statement["Action"]
        if action.startswith("ses:") and action.endswith(("Identity", "MailFromAttributes"))
    }
    [stage] = found["CreateEmailIdentity"]["StringEquals"].values()
    assert stage.startswith("cplus-")
    making = {"StringEquals": {f"aws:RequestTag/{TAG}": stage}}
    owned = {"StringEquals": {f"aws:ResourceTag/{TAG}": stage}}
    others = ("DeleteEmailIdentity", "GetEmailIdentity", "PutEmailIdentityMailFromAttributes")
    assert found == {"CreateEmailIdentity": making, **dict.fromkeys(others, owned)}


def test_a_function_may_unwrap_with_the_one_key_of_kms_and_do_nothing_else_with_it(
    template: Template,
) -> None:
    for name, function in template.functions().items():
        rights = {
            action: where
            for action, where in _rights(template, function).items()
            if action.startswith("kms:")
        }
        if name in ("edge", "daily"):  # they read nothing that is sealed
            assert not rights
        else:
            assert rights.keys() == {"kms:Decrypt"}, name
            assert re.findall(r"cplus-\w+-([\w-]+)", rights["kms:Decrypt"]) == ["keyring-key"]


def test_who_may_read_a_bucket_is_told_when_a_key_is_missing(template: Template) -> None:
    for name, function in template.functions().items():
        rights = _rights(template, function)
        for bucket in re.findall(r"cplus-\w+-([a-z]+)-bucket", rights.get("s3:GetObject", "")):
            assert f"{bucket}-bucket" in rights["s3:ListBucket"], f"{name}: {bucket}"


def test_a_sweep_that_could_not_run_is_not_made_up_for(template: Template) -> None:
    found = template.of_type("AWS::Lambda::EventInvokeConfig").values()
    [sweep] = [one for one in found if "Sweep" in json.dumps(one["FunctionName"])]
    assert (sweep["MaximumEventAgeInSeconds"], sweep["MaximumRetryAttempts"]) == (60, 0)


def test_a_dead_letter_outlives_the_queue_that_it_came_from(template: Template) -> None:
    # The age of a message counts from its first arrival, also in the dead-letter queue.
    queues = template.of_type("AWS::SQS::Queue")
    for name, queue in queues.items():
        if "RedrivePolicy" in queue:
            dead = queues[queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]]
            assert dead["MessageRetentionPeriod"] >= queue["MessageRetentionPeriod"], name


def test_the_database_allows_the_connections_of_all_functions_at_their_busiest(
    template: Template,
) -> None:
    most = {name: source["ScalingConfig"]["MaximumConcurrency"]
            for name, _, source, _ in template.sources()}  # fmt: skip
    total = 0
    for name, function in template.functions().items():
        if name in WITHOUT_MONGO:
            continue
        concurrency = function.get("ReservedConcurrentExecutions", most.get(name))
        assert concurrency, f"{name} may run any number of times at once: give it a limit"
        own = function["Environment"]["Variables"].get("CPLUS_MONGO_POOL")
        pool = int(own or Settings.model_fields["mongo_pool"].default)
        total += concurrency * (pool + MONITORS)
    assert total * VERSIONS <= CONNECTION_LIMIT


def test_no_secret_stands_in_the_template(template: Template) -> None:
    secret = re.compile(r"URI|SECRET|TOKEN|PASSWORD|CLIENT_ID|_KEY$")
    for name, function in template.functions().items():
        for variable, value in function["Environment"]["Variables"].items():
            if secret.search(variable):
                allowed = value == "" or str(value).startswith("{{resolve:secretsmanager:")
                assert allowed, f"{name}: {variable}"


def test_every_variable_of_a_function_is_a_setting(template: Template) -> None:
    known = {f"CPLUS_{field.upper()}" for field in Settings.model_fields}
    for name, function in template.functions().items():
        unknown = set(function["Environment"]["Variables"]) - known
        assert not unknown, f"{name} is given what no setting reads: {unknown}"


def test_no_template_has_a_fault_that_cfn_lint_knows(templates: dict[str, Template]) -> None:
    paths = [made.path for stage, made in templates.items() if stage != "local"]
    done = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), "--format", "json", *paths, FOUNDATION],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    faults = []
    for match in json.loads(done.stdout):
        resource = (match["Location"]["Path"] or ["", ""])[1]
        rule = match["Rule"]["Id"]
        if not any(rule == r and re.fullmatch(name, resource) for r, name in LINT_EXCEPTIONS):
            faults.append(f"{match['Filename']}: {rule} {resource}: {match['Message']}")
    assert not faults


def test_what_the_application_imports_from_the_foundation_is_exported_there(
    template: Template,
) -> None:
    exported = set(re.findall(r"cplus-\$\{Stage\}-[\w-]+(?='\})",
                              FOUNDATION.read_text("utf-8")))  # fmt: skip
    text = json.dumps(template.resources)
    imported = set(re.findall(r'"Fn::ImportValue": "cplus-\w+?-([\w-]+)"', text))
    assert imported
    assert {f"cplus-${{Stage}}-{name}" for name in imported} <= exported


@pytest.mark.parametrize("name", SOURCE["functions"])
def test_every_function_has_a_file_with_a_handler(name: str) -> None:
    module, _, attribute = SOURCE["functions"][name]["handler"].rpartition(".")
    assert module == f"lambdas/{name.replace('-', '_')}"
    assert callable(getattr(importlib.import_module(module.replace("/", ".")), attribute))


def test_every_file_of_a_function_is_in_serverless_yml() -> None:
    files = {path.stem for path in (ROOT / "lambdas").glob("*.py")} - {"__init__"}
    assert files == {name.replace("-", "_") for name in SOURCE["functions"]}


def test_the_page_of_functions_names_every_function_and_queue_and_no_other() -> None:
    page = (ROOT / "docs" / "functions.md").read_text("utf-8")
    first_cells = set(re.findall(r"^\| `([\w-]+)` \|", page, re.MULTILINE))
    queues = {
        resource["Properties"]["QueueName"].replace("cplus-${sls:stage}-", "")
        for resource in SOURCE["resources"]["Resources"].values()
        if resource["Type"] == "AWS::SQS::Queue"
    }
    queues = {queue for queue in queues if not queue.endswith("-dead")}
    assert first_cells == set(SOURCE["functions"]) | queues | {one.name for one in REACTIONS}
    assert set(re.findall(r"^\| `due/([\w-]+)` \|", page, re.MULTILINE)) == set(HANDLERS)
