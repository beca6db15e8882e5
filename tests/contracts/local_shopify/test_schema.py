"""What the local Shopify serves, and what the app asks for, exists in the real schema."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import graphql
import pytest

import cplus.shopify
from cplus.local.shopify.admin_api.graphql_api import SDL
from cplus.local.shopify.subset import app_documents, real_schema, subset
from cplus.settings import Settings
from cplus.shopify import (
    PAYLOADS,
)

REAL = Path(__file__).parents[3] / "node_modules/@shopify/dev-mcp/dist/data/admin_2026-10.json.gz"


@pytest.fixture(scope="module")
def schema() -> graphql.GraphQLSchema:
    return real_schema(REAL)


@pytest.mark.node
def test_the_served_schema_is_cut_from_the_real_one(schema: graphql.GraphQLSchema) -> None:
    assert SDL.read_text(encoding="utf-8") == subset(schema, app_documents().values())


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("cplus.local.shopify", "Set CPLUS_SHOPIFY_CLIENT_SECRET to the app's client secret."),
        ("cplus.local.shopify.subset", "usage: python -m cplus.local.shopify.subset PATH/"),
    ],
)
def test_a_program_started_wrongly_says_one_plain_line(module: str, said: str) -> None:
    options = ["--client-id", "ID", "--app-url", "http://127.0.0.1:9"]
    command = [sys.executable, "-m", module, *options]
    environ = {name: one for name, one in os.environ.items() if not name.startswith("CPLUS_")}
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env=environ)
    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    assert line.startswith(said)


@pytest.mark.node
def test_everything_served_exists_in_the_real_schema_with_the_same_type(
    schema: graphql.GraphQLSchema,
) -> None:
    served = graphql.build_schema(SDL.read_text(encoding="utf-8"))
    assert served.query_type is not None
    assert schema.query_type is not None
    assert served.query_type.name == schema.query_type.name
    for name, kind in served.type_map.items():
        if name.startswith("__"):
            continue
        real = schema.type_map[name]
        assert type(real) is type(kind), name
        if isinstance(kind, graphql.GraphQLEnumType):
            assert isinstance(real, graphql.GraphQLEnumType)
            assert list(kind.values) == list(real.values)
        if isinstance(kind, graphql.GraphQLObjectType):
            assert isinstance(real, graphql.GraphQLObjectType)
            for field_name, field in kind.fields.items():
                assert str(field.type) == str(real.fields[field_name].type)
                for argument, definition in field.args.items():
                    wanted = real.fields[field_name].args[argument]
                    assert str(definition.type) == str(wanted.type)


@pytest.mark.node
@pytest.mark.parametrize("name", sorted(app_documents()))
def test_each_document_is_valid_and_uses_nothing_deprecated(
    schema: graphql.GraphQLSchema, name: str
) -> None:
    document = graphql.parse(app_documents()[name])
    rules = [*graphql.specified_rules, graphql.NoDeprecatedCustomRule]
    assert graphql.validate(schema, document, rules) == []


def test_there_is_no_graphql_outside_the_module_of_documents() -> None:
    folder = Path(cplus.shopify.__file__).parent
    for file in folder.glob("*.py"):
        if file.name != "documents.py":
            text = file.read_text(encoding="utf-8")
            assert not re.search(r"\b(query|mutation|subscription)\s+\w*\s*[({]\s*\$?\w", text)


def _described() -> dict[str, Any]:
    text = (Path(__file__).parents[3] / "shopify.app.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def test_the_app_asks_for_the_same_scopes_in_its_file_and_in_its_settings() -> None:
    described = _described()
    asked = described["access_scopes"]
    assert asked["scopes"] == Settings.model_fields["shopify_scopes"].default
    optional = Settings.model_fields["shopify_optional_scopes"].default
    assert ",".join(asked["optional_scopes"]) == optional
    version = Settings.model_fields["shopify_api_version"].default
    assert described["webhooks"]["api_version"] == version


COMPLIANCE = ("customers/data_request", "customers/redact", "shop/redact")
"""Topics that Shopify sends to every app; it has no enumeration of them in its schema.

Source: https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance.
"""


def test_the_app_subscribes_to_each_topic_that_it_reads_and_to_the_compliance_topics() -> None:
    subscriptions = _described()["webhooks"]["subscriptions"]
    topics = [topic for one in subscriptions for topic in one.get("topics", [])]
    compliance = [topic for one in subscriptions for topic in one.get("compliance_topics", [])]
    assert sorted(topics) == sorted(set(PAYLOADS) - set(COMPLIANCE))
    assert compliance == list(COMPLIANCE)
    assert {one["uri"] for one in subscriptions} == {"/webhooks/shopify"}


@pytest.mark.node
@pytest.mark.parametrize("topic", sorted(set(PAYLOADS) - set(COMPLIANCE)))
def test_each_topic_exists_and_its_scope_is_asked_for(
    schema: graphql.GraphQLSchema, topic: str
) -> None:
    known = schema.type_map["WebhookSubscriptionTopic"]
    assert isinstance(known, graphql.GraphQLEnumType)
    said = str(known.values[re.sub("[/.]", "_", topic.upper())].description)
    wanted = set(re.findall(r"\bread_\w+", said))
    asked = _described()["access_scopes"]
    assert not wanted or wanted & {*asked["scopes"].split(","), *asked["optional_scopes"]}
